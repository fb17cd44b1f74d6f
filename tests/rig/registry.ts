import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execaRunner } from '#common/process/execa-runner.ts';
import type { TestDocker } from './docker.ts';

/** A registry within reach of the docker engine alone. */
export interface TestRegistry {
  /** The image that it has, by its whole name and by its digest. */
  readonly name: string;
  readonly pinned: string;
  stop(): Promise<void>;
}

/** Has one image, which the engine does not have. */
export async function startRegistry({ folder, pid, docker }: TestDocker): Promise<TestRegistry> {
  const [packed, blobs] = [join(folder, 'registry.tar'), join(folder, 'registry')];
  await mkdir(join(blobs, 'saved'), { recursive: true });
  const name = 'rig/app:1';
  await docker('import', '--change', 'ENV PATH=/bin', '--change', 'LABEL of=registry', join(folder, 'image.tar'), name);
  await docker('save', '--output', packed, name);
  await docker('rmi', name);
  await execaRunner().run({ file: 'tar', args: ['-C', join(blobs, 'saved'), '-xf', packed] });
  const [saved] = JSON.parse(await readFile(join(blobs, 'saved/manifest.json'), 'utf8'));
  const blob = async (type: string, path: string) => {
    const content = await readFile(join(blobs, 'saved', path));
    const digest = digestOf(content);
    await writeFile(join(blobs, digest), content);
    return { mediaType: `application/vnd.docker.${type}`, size: content.length, digest };
  };
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: await blob('container.image.v1+json', saved.Config),
      layers: await Promise.all(
        saved.Layers.map((path: string) => blob('image.rootfs.diff.tar.gzip', path)), // it may be uncompressed
      ),
    }),
  );
  await writeFile(join(blobs, 'manifest'), manifest);
  const script = fileURLToPath(new URL('registry.mjs', import.meta.url));
  const args = [`--net=/proc/${pid}/ns/net`, '--', process.execPath, script, blobs];
  const server = execaRunner().start({ file: 'nsenter', args });
  server.stdin.end();
  await once(server.stdout, 'data');
  const repository = '127.0.0.1:5000/rig/app';
  return {
    name: `${repository}:1`,
    pinned: `${repository}@${digestOf(manifest)}`,
    stop: async () => {
      server.stop();
      await server.done;
    },
  };
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
