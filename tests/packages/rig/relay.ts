import { connect, createServer } from 'node:net';

/**
 * `relay.ts ADDRESS PORT=SOCKET…`: listens in the network it is started in and passes each connection on to a socket in
 * the file system, which networks do not part. Says "ready" once all ports are open.
 */
const [address = '', ...pairs] = process.argv.slice(2);
const opened = pairs.map((pair) => {
  const [port, path = ''] = pair.split('=', 2);
  const server = createServer((client) => {
    const far = connect(path);
    client.on('error', () => far.destroy());
    far.on('error', () => client.destroy());
    client.pipe(far).pipe(client);
  });
  return new Promise<void>((resolve) => server.listen(Number(port), address, resolve));
});
await Promise.all(opened);
console.log('ready');
