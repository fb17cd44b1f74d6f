import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { isAlive, ownIdentity, type ProcessIdentity, parseIdentity } from './process-identity.ts';

test('we are alive, and still so after our identity was written and read', () => {
  assert.equal(isAlive(ownIdentity()), true);
  const read = parseIdentity(JSON.parse(JSON.stringify({ ...ownIdentity(), since: 'today' })));
  assert.deepEqual(read, ownIdentity());
});

test('another boot, another start time or a pid that nobody has: not alive', () => {
  assert.equal(isAlive({ ...ownIdentity(), bootId: 'another' }), false);
  assert.equal(isAlive({ ...ownIdentity(), startTicks: '1' }), false);
  assert.equal(isAlive({ ...ownIdentity(), pid: 2 ** 30 }), false);
});

test('a process name with brackets and blanks does not shift the fields', async (t) => {
  const child = startShell(t, 'echo $$; read x; printf ") R 9 (" > /proc/$$/comm; echo; read x');
  const identity = identityOf(Number(await child.nextLine()));
  child.send('rename yourself');
  await child.nextLine();
  assert.match(readFileSync(`/proc/${identity.pid}/stat`, 'utf8'), /^\d+ \(\) R 9 \(\) /);
  assert.equal(isAlive(identity), true);
});

test('a process that has ended is not alive although its parent has not waited for it', async (t) => {
  const child = startShell(t, 'exec 3<&0; (read x <&3) & echo $!; exec sleep 60');
  const identity = identityOf(Number(await child.nextLine()));
  assert.equal(isAlive(identity), true);
  child.send('end');
  while (!/^State:\tZ/m.test(readFileSync(`/proc/${identity.pid}/status`, 'utf8'))) await setImmediate();
  assert.equal(isAlive(identity), false);
});

for (const value of [undefined, null, 7, 'text', {}, { pid: '7', bootId: 'b', startTicks: '1' }, { pid: 7 }]) {
  test(`${JSON.stringify(value)} is no identity`, () => assert.equal(parseIdentity(value), undefined));
}

function startShell(t: TestContext, script: string) {
  const child = spawn('bash', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    nextLine: async () => (await lines.next()).value as string,
    send: (line: string) => void child.stdin.write(`${line}\n`),
  };
}

/** Of a process with a plain name. */
function identityOf(pid: number): ProcessIdentity {
  const startTicks = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[21] ?? '';
  return { ...ownIdentity(), pid, startTicks };
}
