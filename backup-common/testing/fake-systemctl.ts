import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Units as `systemctl` shows them. `stubborn` comes back when it is stopped, `broken` does not start. */
export type UnitStates = Readonly<Record<string, 'active' | 'inactive' | 'failed' | 'stubborn' | 'broken'>>;

export interface FakeSystemctl {
  /** To be put in front of PATH. */
  readonly bin: string;
  set(states: UnitStates): Promise<void>;
  states(): Promise<UnitStates>;
  /** `stop x.service`, `start x.service`, in their order since the last `set`. */
  calls(): Promise<readonly string[]>;
}

/**
 * Stands for systemctl in `folder`, because where the tests run there is no system manager to ask: each unit is a file
 * that holds its state.
 */
export async function fakeSystemctl(folder: string): Promise<FakeSystemctl> {
  const [bin, units, calls] = [join(folder, 'bin'), join(folder, 'units'), join(folder, 'calls')];
  await mkdir(bin, { recursive: true });
  await mkdir(units, { recursive: true });
  await writeFile(join(bin, 'systemctl'), scriptFor(units, calls), { mode: 0o755 });
  const stateOf = async (unit: string) => (await readFile(join(units, unit), 'utf8')).trim();
  return {
    bin,
    set: async (states) => {
      await writeFile(calls, '');
      for (const [unit, state] of Object.entries(states)) await writeFile(join(units, unit), state);
    },
    states: async () => {
      const names = (await readdir(units)).sort();
      return Object.fromEntries(await Promise.all(names.map(async (unit) => [unit, await stateOf(unit)])));
    },
    calls: async () => (await readFile(calls, 'utf8')).split('\n').filter((line) => line !== ''),
  };
}

function scriptFor(units: string, calls: string): string {
  return `#!/bin/sh
cd "${units}" || exit 1
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
      echo "stop $unit" >> "${calls}"
      [ "$(cat "$unit")" = stubborn ] || echo inactive > "$unit";;
    start)
      echo "start $unit" >> "${calls}"
      if [ "$(cat "$unit")" = broken ]; then echo "Job for $unit failed." >&2; exit 1; fi
      echo active > "$unit";;
  esac
done
`;
}
