// Verifies requests as receivers in JavaScript do: v1 by the public library, v1a by Node's crypto.
import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const SPKI_OF_ED25519 = Buffer.from("302a300506032b6570032100", "hex"); // RFC 8410

function byLibrary({ key, headers, body }) {
  new Webhook(key).verify(body, headers);
}

function byCrypto({ key, headers, body }) {
  const raw = Buffer.from(key.slice("whpk_".length), "base64");
  const der = Buffer.concat([SPKI_OF_ED25519, raw]);
  const publicKey = createPublicKey({ key: der, format: "der", type: "spki" });
  const content = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const genuine = headers["webhook-signature"]
    .split(" ")
    .filter((one) => one.startsWith("v1a,"))
    .some((one) => verify(null, Buffer.from(content), publicKey, Buffer.from(one.slice(4), "base64")));
  if (!genuine) throw new Error("No matching signature found");
}

function answer(request) {
  try {
    (request.key.startsWith("whpk_") ? byCrypto : byLibrary)(request);
    return "genuine";
  } catch (error) {
    return error.message;
  }
}

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf-8")).map(answer)));
