import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatByteSize } from '#common/config/byte-size.ts';
import type { CommandResult } from '#common/process/command.ts';
import { type Fleet, startFleet } from './rig/fleet.ts';
import { treeFacts } from './rig/tree-facts.ts';

/**
 * The whole job once, on real programs in one temporary folder: what a newcomer runs first. It ends with an error as soon
 * as something is not as it says.
 */
const startedAt = Date.now();
const fleet = await startFleet();
try {
  await demonstrate(fleet);
} finally {
  await fleet.stop();
}
say(
  `\nDone in ${Math.round((Date.now() - startedAt) / 1000)} s. ${fleet.folder} has been removed; nothing else was touched.`,
);

async function demonstrate({ folder, drop, repositories, sshd, smtp, ...fleet }: Fleet): Promise<void> {
  const source = join(folder, 'srv');
  say(`Everything happens in ${folder}: a client "web", a server, an sshd on 127.0.0.1:${sshd.port} whose account
"${sshd.user}" may do nothing but SFTP, a restic repository, and an SMTP server on 127.0.0.1:${smtp.port}.`);

  step('The client has two services');
  await makeServices({ ...fleet, folder, drop, repositories, sshd, smtp }, source);
  await show(fleet.localBackup('check', '--quiet'));

  step('The server makes the repository, once');
  await show(fleet.backupServer('init'));

  step('First backup: the client makes an archive, the server fetches and stores it');
  await show(fleet.localBackup('run'));
  await show(fleet.backupServer('run'));
  const first = await repositorySize(repositories);

  step('Something changes, and both run again');
  await writeFile(join(source, 'shop/data/order-0042.txt'), 'one more order\n');
  await nextSecond();
  await show(fleet.localBackup('run'));
  await show(fleet.backupServer('run'));
  const second = await repositorySize(repositories);
  expect(
    second - first < first / 10,
    `the second run added ${formatByteSize(second - first)} to ${formatByteSize(first)}`,
  );

  step('The server runs once more: nothing is new, and it says so');
  await show(fleet.backupServer('run'), /skipped +web/);

  step('Upkeep: forget, prune, check');
  await show(fleet.resticMaintenance('run'));

  step('How old is the last good backup?');
  await show(fleet.backupServer('status'), /^ok +web/m);

  step('Restore from the repository, and compare every byte and attribute with the source');
  const target = join(folder, 'restored');
  await show(fleet.backupServer('restore', 'web', '--to', target));
  for (const [service, name] of [
    ['docker/shop', 'shop'],
    ['other/wiki', 'wiki'],
  ] as const) {
    const [restored, original] = await Promise.all([
      treeFacts(join(target, service, 'data', name)),
      treeFacts(join(source, name)),
    ]);
    expect(restored.join('\n') === original.join('\n'), `${service}: ${original.length} entries are identical`);
  }

  step('A service breaks: the others are stored, the run is red, and a mail says what to do');
  await fleet.writeService('other', 'broken', { files: { paths: [join(source, 'nowhere')] } });
  await nextSecond();
  await show(fleet.localBackup('run'), /FAILED +other\/broken/, 1);
  const mail = smtp.mails.at(-1);
  expect(
    mail?.subject.includes('Backup FAILED for other/broken') === true,
    `a mail arrived at ${mail?.to}: "${mail?.subject}"`,
  );

  step('What proves it');
  const archives = await readdir(join(drop, 'done'));
  say(
    `  archives on the client   ${[...archives, ...(await readdir(drop)).filter((name) => name.endsWith('.gz'))].join(', ')}`,
  );
  say(`  repository               ${join(repositories, 'web')}, ${formatByteSize(await repositorySize(repositories))}`);
  say(
    `  snapshots                ${(await fleet.backupServer('snapshots', 'web')).stdout.trim().replaceAll('\n', `\n${' '.repeat(27)}`)}`,
  );
  say(`  mails received           ${smtp.mails.map(({ subject }) => subject).join(`\n${' '.repeat(27)}`)}`);
}

async function makeServices(fleet: Fleet, source: string): Promise<void> {
  for (const name of ['shop', 'wiki']) await mkdir(join(source, name, 'data'), { recursive: true });
  const program = await readFile('dist/bin/backup-server');
  for (let index = 0; index < 200; index += 1) {
    const text = `page ${index}\n`.repeat(20 + index);
    await writeFile(join(source, 'wiki/data', `page-${index}.txt`), text);
  }
  await writeFile(join(source, 'shop/data/catalogue.bin'), program);
  await writeFile(join(source, 'shop/compose.yaml'), 'services: {}\n');
  await fleet.writeService('docker', 'shop', {
    files: { paths: [join(source, 'shop')], exclude: ['*.tmp'] },
    command: { run: ['date', '--utc'], output: 'date.txt' },
  });
  await fleet.writeService('other', 'wiki', { files: { paths: [join(source, 'wiki')] } });
}

async function show(running: Promise<CommandResult>, expected = /./, exitCode = 0): Promise<void> {
  const { stdout, stderr, ...result } = await running;
  say(stdout.trimEnd().replace(/^(?=.)/gm, '  '));
  expect(
    result.exitCode === exitCode && (stdout === '' || expected.test(stdout)),
    `exit code ${result.exitCode}`,
    stderr,
  );
}

/** Prints what is true, and ends the demo when it is not. */
function expect(isTrue: boolean, what: string, details = ''): void {
  if (!isTrue) throw new Error(`not as it should be: ${what}\n${details}`);
  say(`  ✓ ${what}`);
}

async function repositorySize(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(names.map(async (name) => stat(join(folder, name))));
  return sizes.reduce((sum, found) => sum + (found.isFile() ? found.size : 0), 0);
}

/** Archives are named by the second. */
async function nextSecond(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000)));
}

function step(title: string): void {
  say(`\n── ${title}`);
}

function say(text: string): void {
  console.log(text);
}
