import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { Mirrors } from './mirrors.ts';
import { placeFor } from './place.ts';

/**
 * An HTTP proxy for apt that reaches the mirrors of Debian and nothing else, and keeps packages. It listens on a socket in
 * the file system, since its clients are in networks of their own that lead nowhere.
 */
export function mirrorProxy({ main, security }: Mirrors): Server {
  const allowed = new Set([main, security].map((uri) => new URL(uri).host));
  return createServer((request, response) => {
    const url = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : undefined;
    if (request.method !== 'GET' || url === undefined || !allowed.has(url.host)) response.writeHead(403).end();
    else answer(url, request, response).catch((error: Error) => response.destroy(error));
  });
}

async function answer(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const kept = await placeFor('downloads', createHash('sha256').update(url.href).digest('hex'));
  if (existsSync(kept)) {
    response.writeHead(200, { 'content-length': (await stat(kept)).size });
    return pipeline(createReadStream(kept), response);
  }
  const since = request.headers['if-modified-since'];
  const upstream = await fetch(url, { headers: since === undefined ? {} : { 'if-modified-since': since } });
  const length = upstream.headers.get('content-length');
  const modified = upstream.headers.get('last-modified');
  response.writeHead(upstream.status, {
    ...(length !== null && { 'content-length': length }),
    ...(modified !== null && { 'last-modified': modified }),
  });
  if (upstream.body === null) return void response.end();
  const body = Readable.fromWeb(upstream.body as ReadableStream<Uint8Array>);
  if (upstream.status !== 200 || !url.pathname.endsWith('.deb')) return pipeline(body, response);
  const partial = `${kept}.${process.hrtime.bigint()}`;
  const copy = new PassThrough();
  const keeping = pipeline(copy, createWriteStream(partial));
  body.pipe(copy);
  await pipeline(body, response);
  await keeping;
  await rename(partial, kept);
}
