import assert from 'node:assert/strict';
import { it } from 'node:test';
import { memoryLog } from '../testing/memory-log.ts';
import { execaRunner } from './execa-runner.ts';
import { loggedRunner } from './logged-runner.ts';

it('every program is logged with its command line and its end, and without its environment', async () => {
  const { log, lines } = memoryLog();
  const runner = loggedRunner(execaRunner(), log);
  await runner.run({ file: 'sh', args: ['-c', 'exit 3'], env: { PASSWORD: 'secret' } });
  const program = runner.start({ file: 'cat', args: [] });
  program.stdin.end();
  program.stdout.resume();
  await program.done;
  const seen = lines.map(({ level, bindings }) => [level, bindings.command, bindings.exitCode]);
  assert.deepEqual(seen, [
    ['debug', 'sh -c exit 3', 3],
    ['debug', 'cat', 0],
  ]);
  assert.doesNotMatch(JSON.stringify(lines), /secret/);
});
