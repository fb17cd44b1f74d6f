// A registry of images on 127.0.0.1:5000 that serves what lies in a folder: `manifest`, and blobs named by their digests.
// Plain Node, since it runs in the network namespace of the docker engine.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename, join } from 'node:path';

const folder = process.argv[2] ?? '';
const manifest = readFileSync(join(folder, 'manifest'));

createServer(({ url = '', method }, response) => {
  const send = (type, body) => {
    const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
    response.writeHead(200, {
      'Content-Type': type,
      'Content-Length': body.length,
      'Docker-Content-Digest': digest,
    });
    response.end(method === 'HEAD' ? undefined : body);
  };
  if (url === '/v2/') send('application/json', Buffer.from('{}'));
  else if (url.includes('/manifests/')) send(JSON.parse(String(manifest)).mediaType, manifest);
  else if (url.includes('/blobs/')) send('application/octet-stream', readFileSync(join(folder, basename(url))));
  else response.writeHead(404).end();
}).listen(5000, '127.0.0.1', () => console.log('listening'));
