import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomNumbers } from '#common/testing/random-numbers.ts';
import { makeQuickRepository } from '../../backup-server/testing/quick-repository.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { mustRun } from './random-trees.ts';
import { treeFacts } from './tree-facts.ts';

/** A fleet with archives of one source in several states, to be delivered one after the other again and again. */
export interface ChaosFleet {
  readonly fleet: Fleet;
  /** Puts the archive of the next state into the drop folder, under a name that is newer than the last one's. */
  deliverNext(): Promise<void>;
  /** The server's next run must store what was delivered, whatever has happened to the runs before it. */
  requireGoodRun(): Promise<void>;
}

const states = 3;

/** Where the run that was killed had come so far that there was nothing more to do. */
const wasStored = /^skipped +web .*\n.*(is stored already|no archive of web that is not stored yet)/m;

export async function startChaosFleet(): Promise<ChaosFleet> {
  const fleet = await startFleet();
  const [source, stock] = [join(fleet.folder, 'source'), join(fleet.folder, 'stock')];
  await fleet.writeService('other', 'data', { files: { paths: [source] } });
  await makeQuickRepository(join(fleet.repositories, 'web'));
  await mkdir(stock);
  const facts: (readonly string[])[] = [];
  for (let state = 0; state < states; state += 1) {
    await makeState(source, state);
    facts.push(await treeFacts(source));
    const client = await fleet.localBackup('run');
    assert.equal(client.exitCode, 0, client.stdout + client.stderr);
    const [name = ''] = (await readdir(fleet.drop)).filter((found) => found.endsWith('.tar.gz'));
    await rename(join(fleet.drop, name), join(stock, String(state)));
  }
  let delivered = 0;
  const current = () => (delivered - 1) % states;
  return {
    fleet,
    async deliverNext() {
      delivered += 1;
      const time = new Date(Date.now() - 86_400_000 + delivered * 1000).toISOString().slice(0, 19);
      const path = join(fleet.drop, `web-${time.replace(/[-:]/g, '').replace('T', '_')}.tar.gz`);
      await copyFile(join(stock, String(current())), path);
      await mustRun('chown', `${fleet.sshd.user}:`, path);
    },
    async requireGoodRun() {
      const result = await fleet.backupServer('run');
      assert.equal(result.exitCode, 0, result.stdout + result.stderr);
      const expected = facts[current()];
      assert.deepEqual(await treeFacts(join(fleet.work, 'web/tree/other/data/data/source')), expected);
      if (!wasStored.test(result.stdout)) {
        assert.match(result.stdout, /^(ok|WARNING) +web /m);
        assert.deepEqual((await readdir(join(fleet.work, 'web'))).sort(), ['tree', 'tree-index.gz']);
      }
      const target = join(fleet.folder, 'restored');
      await fleet.backupServer('restore', 'web', '--to', target);
      assert.deepEqual(await treeFacts(join(target, 'other/data/data/source')), expected);
      await rm(target, { recursive: true });
    },
  };
}

/** Enough of everything that a change has to be made in many steps: large and small files, folders that come and go, links. */
async function makeState(source: string, state: number): Promise<void> {
  const random = randomNumbers(state);
  await mkdir(join(source, 'stays'), { recursive: true });
  await rm(join(source, `folder-${state - 1}`), { recursive: true, force: true });
  for (let index = 0; index < 300; index += 1) {
    if (state === 0 || random() < 0.3) await writeFile(join(source, 'stays', `file-${index}`), `${state} ${random()}`);
    await mkdir(join(source, `folder-${state}`, `below-${index % 20}`), { recursive: true });
    await writeFile(join(source, `folder-${state}`, `below-${index % 20}`, `file-${index}`), `${random()}`);
  }
  await appendFile(join(source, 'grows'), randomBytes(3_000_000));
  await writeFile(join(source, 'large'), randomBytes(2_000_000));
  await rm(join(source, 'other-name'), { force: true });
  await mustRun('ln', join(source, 'large'), join(source, 'other-name'));
  await rm(join(source, 'changes-type'), { recursive: true, force: true });
  if (state === 0) await writeFile(join(source, 'changes-type'), 'a file');
  if (state === 1) await mkdir(join(source, 'changes-type/now a folder'), { recursive: true });
  if (state === 2) await mustRun('ln', '-s', 'stays', join(source, 'changes-type'));
}

/** Starts a run and ends it with all its programs after so many milliseconds, as a power cut would, if it has not ended before. */
export async function runAndKill(fleet: Fleet, afterMs: number): Promise<void> {
  const args = ['dist/bin/backup-server', 'run', '--config-dir', join(fleet.folder, 'server')];
  const child = spawn(process.execPath, args, { stdio: 'ignore', detached: true });
  const ended = once(child, 'exit');
  const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), afterMs);
  await ended;
  clearTimeout(timer);
}

/** A program in the place of another one that kills who called it, before or after its `call`-th run. */
export async function killingProgram(fleet: Fleet, program: string, call: number, when: 'before' | 'after') {
  const path = join(fleet.folder, `killing-${program}`);
  const calls = join(fleet.folder, `calls-of-${program}`);
  await rm(calls, { force: true });
  const kill = `[ "$(wc -l <"${calls}")" -eq ${call} ] && kill -KILL $PPID`;
  const script = [
    '#!/bin/sh',
    `echo "$1" >>"${calls}"`,
    ...(when === 'before' ? [`${kill} && exit 1`] : []),
    `${program} "$@"; code=$?`,
    ...(when === 'after' ? [kill] : []),
    'exit $code',
  ];
  await writeFile(path, `${script.join('\n')}\n`, { mode: 0o755 });
  return path;
}
