/** A path that a program writes, and the key of the configuration that says so. */
export interface WrittenPath {
  readonly path: string;
  readonly because: string;
}

/**
 * Which paths a sandboxed unit may not write, by the text of the unit and of its drop-ins in their order. Knows what
 * our units use: ProtectSystem=strict with ReadWritePaths=, StateDirectory=, RuntimeDirectory= and CacheDirectory=.
 */
export function unwritablePaths(unitText: string, paths: readonly WrittenPath[]): readonly WrittenPath[] {
  const settings = valuesIn(unitText);
  if (settings('ProtectSystem').at(-1) !== 'strict') return [];
  const writable = [
    ...settings('ReadWritePaths').map((path) => path.replace(/^[-+]+/, '')),
    ...settings('StateDirectory').map((name) => `/var/lib/${name}`),
    ...settings('CacheDirectory').map((name) => `/var/cache/${name}`),
    ...settings('RuntimeDirectory').map((name) => `/run/${name}`),
    '/dev',
    '/proc',
    '/sys',
  ];
  return paths.filter(
    ({ path }) => path.startsWith('/') && !writable.some((root) => path === root || path.startsWith(`${root}/`)),
  );
}

/** All values of a key; an empty assignment forgets those before it, as systemd does. */
function valuesIn(unitText: string): (key: string) => string[] {
  return (key) => {
    let values: string[] = [];
    for (const line of unitText.split('\n')) {
      const match = /^([A-Za-z]+)=(.*)$/.exec(line.trim());
      if (match?.[1] !== key) continue;
      const words = (match[2] ?? '').split(/\s+/).filter((word) => word !== '');
      values = words.length === 0 ? [] : [...values, ...words];
    }
    return values;
  };
}

/** The drop-in that lets the unit write them. */
export function dropInFor(paths: readonly WrittenPath[]): string {
  return ['[Service]', ...paths.map(({ path, because }) => `# ${because}\nReadWritePaths=${path}`)].join('\n');
}
