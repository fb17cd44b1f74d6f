import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { collectorContext } from '#common/testing/collector-context.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { systemdCollector } from './systemd-collector.ts';
import { parseUnits } from './unit-states.ts';

/**
 * Stands for systemctl, because there is no system manager to ask where the tests run: each unit is a file that holds
 * its state, with `stubborn` and `broken` for one that comes back and one that does not start.
 */
const fakeSystemctl = `#!/bin/sh
cd "$UNITS" || exit 1
verb=$1; shift
[ "$1" = -- ] || shift
shift
for unit; do
  case $verb in
    show)
      state=$(cat "$unit" 2>/dev/null) && load=loaded || { load=not-found state=inactive; }
      case $state in stubborn) state=active;; broken) state=inactive;; esac
      printf 'Id=%s\\nLoadState=%s\\nActiveState=%s\\n\\n' "$unit" "$load" "$state";;
    stop)
      echo "stop $unit" >> ../calls
      [ "$(cat "$unit")" = stubborn ] || echo inactive > "$unit";;
    start)
      echo "start $unit" >> ../calls
      if [ "$(cat "$unit")" = broken ]; then echo "Job for $unit failed." >&2; exit 1; fi
      echo active > "$unit";;
  esac
done
`;

describe('systemd', () => {
  it('what runs is stopped in its order and started in the opposite one, and the rest is left', async (given) => {
    await given.units({ 'web.service': 'active', 'off.service': 'inactive', 'db.service': 'active' });
    const state = await given.plan(['web.service', 'off.service', 'db.service']);
    assert.ok(state !== undefined);
    assert.equal(systemdCollector.stop?.describe(state), 'web.service, db.service');
    await systemdCollector.stop?.begin(state, given.context);
    await systemdCollector.stop?.end(state, given.context);
    await systemdCollector.stop?.end(state, given.context);
    assert.deepEqual((await given.calls()).slice(0, 4), [
      'stop web.service',
      'stop db.service',
      'start db.service',
      'start web.service',
    ]);
    assert.deepEqual(await given.states(), {
      'db.service': 'active',
      'off.service': 'inactive',
      'web.service': 'active',
    });
  });

  it('where nothing runs there is nothing to stop', async (given) => {
    await given.units({ 'web.service': 'inactive', 'db.service': 'failed' });
    assert.equal(await given.plan(['web.service', 'db.service']), undefined);
  });

  it('a unit that is not there fails before anything is touched', async (given) => {
    await given.units({ 'web.service': 'active' });
    await assert.rejects(given.check(['web.service', 'wbe.service']), {
      name: 'BackupError',
      message: 'systemd: the unit wbe.service cannot be used: it is not-found',
      hint: /list-units/,
    });
  });

  it('the backup does not stop itself', async (given) => {
    await assert.rejects(given.check(['local-backup.service']), {
      message: 'systemd: local-backup.service is the backup itself',
    });
  });

  it('a unit that comes back at once is told', async (given) => {
    await given.units({ 'web.service': 'stubborn' });
    const state = await given.plan(['web.service']);
    await assert.rejects(async () => systemdCollector.stop?.begin(state, given.context), {
      message: 'systemd: web.service did not stay stopped',
      hint: /socket/,
    });
  });

  it('a unit that does not start again is told with what systemd says', async (given) => {
    await given.units({ 'web.service': 'broken' });
    const state = { units: ['web.service'], timeoutMs: 1000 };
    await assert.rejects(async () => systemdCollector.stop?.end(state, given.context), {
      message: 'systemd: web.service could not be started: Job for web.service failed.',
      hint: 'See "systemctl status web.service" and "journalctl -u web.service".',
    });
  });

  it('no answer from systemd is an error', async (given) => {
    await writeFile(join(given.folder, 'bin/systemctl'), '#!/bin/sh\necho "no bus" >&2; exit 1\n');
    await assert.rejects(given.check(['web.service']), { message: 'systemd: cannot ask for the units: no bus' });
  });
});

test('the answer of systemctl show is read block by block', () => {
  const output =
    'Id=a.service\nLoadState=loaded\nActiveState=active\n\nId=b=c.service\nLoadState=masked\nActiveState=inactive\n';
  assert.deepEqual(parseUnits(output), [
    { id: 'a.service', load: 'loaded', active: 'active' },
    { id: 'b=c.service', load: 'masked', active: 'inactive' },
  ]);
  assert.deepEqual(parseUnits(''), []);
});

/** A machine whose units are files. */
class Machine {
  constructor(readonly folder: string) {}

  get context() {
    const context = collectorContext(this.folder, 'systemd');
    const env = { PATH: `${join(this.folder, 'bin')}:${process.env.PATH}`, UNITS: join(this.folder, 'units') };
    const { runner } = context;
    return {
      ...context,
      runner: { ...runner, run: (command: Parameters<typeof runner.run>[0]) => runner.run({ ...command, env }) },
    };
  }

  async units(states: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, state] of Object.entries(states)) await writeFile(join(this.folder, 'units', name), state);
  }

  async states(): Promise<Record<string, string>> {
    const names = (await readdir(join(this.folder, 'units'))).sort();
    const texts = await Promise.all(names.map((name) => readFile(join(this.folder, 'units', name), 'utf8')));
    return Object.fromEntries(names.map((name, index) => [name, texts[index]?.trim() ?? '']));
  }

  async calls(): Promise<string[]> {
    return (await readFile(join(this.folder, 'calls'), 'utf8')).trim().split('\n');
  }

  async plan(units: readonly string[]) {
    return systemdCollector.stop?.plan({ units: [...units], timeout: '1m' } as never, this.context);
  }

  async check(units: readonly string[]): Promise<void> {
    await systemdCollector.check?.({ units: [...units], timeout: '1m' } as never, this.context);
  }
}

function it(title: string, check: (given: Machine) => Promise<void>): void {
  test(title, async (context) => {
    const folder = await tempFolder(context);
    await mkdir(join(folder, 'bin'));
    await mkdir(join(folder, 'units'));
    await writeFile(join(folder, 'bin/systemctl'), fakeSystemctl, { mode: 0o755 });
    await check(new Machine(folder));
  });
}
