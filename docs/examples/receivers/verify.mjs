// A receiver in Node.js: npm install standardwebhooks; WEBHOOK_SECRET=whsec_… node verify.mjs
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
const seen = new Set(); // on disk, or in your database, where it outlives a restart

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString("utf-8"); // as it came: never parsed and written anew
  let event;
  try {
    event = webhook.verify(body, request.headers);
  } catch {
    return response.writeHead(401).end();
  }
  response.writeHead(204).end(); // at once; the work comes after it
  const id = request.headers["webhook-id"];
  if (seen.has(id)) return;
  seen.add(id);
  console.log(`${event.pipeline_id} #${event.sequence} ${event.event_type}`);
});

server.listen(Number(process.env.PORT ?? 8000), () => {
  console.log(`listening at ${server.address().port}`);
});
