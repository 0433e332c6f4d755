// A receiver in Node.js: npm install standardwebhooks; WEBHOOK_SECRET=whsec_… node verify.mjs
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const MAX_BYTES = 1024 * 1024;
const webhook = new Webhook(process.env.WEBHOOK_SECRET);
const seen = new Set(); // on disk, or in your database, where it outlives a restart

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf-8"); // as it came: never parsed and written anew
}

async function take(request, response) {
  const body = await read(request);
  if (body === null) return response.writeHead(413, { connection: "close" }).end();
  let event;
  try {
    event = webhook.verify(body, request.headers);
  } catch {
    return response.writeHead(401).end();
  }
  if (event.event_type === "PING") return response.writeHead(200).end(event.challenge ?? "");
  response.writeHead(204).end(); // at once; the work comes after it
  const id = request.headers["webhook-id"];
  if (seen.has(id)) return;
  seen.add(id);
  console.log(`${event.pipeline_id} #${event.sequence} ${event.event_type}`);
}

const server = createServer((request, response) => {
  take(request, response).catch((error) => {
    console.error(`${error}`); // a client that went away, say: the next request is another one
    response.destroy();
  });
});

server.listen(Number(process.env.PORT ?? 8000), () => {
  console.log(`listening at ${server.address().port}`);
});
