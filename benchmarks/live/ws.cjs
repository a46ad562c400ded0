// Peer: Node's `ws`, the message made once and sent to every client.
// usage: node ws.cjs PORT HZ
const { WebSocketServer } = require('ws');
const [port, hz] = process.argv.slice(2).map(Number);
const server = new WebSocketServer({ port, host: '127.0.0.1', perMessageDeflate: false, backlog: 4096 });
const pad = 'x'.repeat(330);
server.on('listening', () => console.log('ready'));
setInterval(() => {
  const data = Buffer.from(JSON.stringify({ ts: `@@${process.hrtime.bigint()}`, pad }));
  for (const client of server.clients) if (client.readyState === 1) client.send(data, { binary: false });
}, 1000 / hz);
