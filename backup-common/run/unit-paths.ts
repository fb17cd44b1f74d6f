import { lastOf, type UnitSettings, unitSettings } from './unit-settings.ts';

/** A path that a program reads or writes, and the key of the configuration that says so. */
export interface NeededPath {
  readonly path: string;
  readonly needs: 'read' | 'write';
  readonly because: string;
}

/** A path that a unit keeps from its program, and the lines of a drop-in that mend it. */
export interface RefusedPath extends NeededPath {
  /** The setting, as it stands in the unit: `ProtectSystem=strict`. */
  readonly refusedBy: string;
  readonly mend: readonly string[];
}

/**
 * What a sandboxed unit keeps from its program, by the text of the unit and of its drop-ins in their order. Knows
 * ProtectSystem, ProtectHome, PrivateTmp, ReadWritePaths, ReadOnlyPaths, InaccessiblePaths, BindPaths,
 * BindReadOnlyPaths and the folders that systemd makes (StateDirectory and its like).
 */
export function refusedPaths(unitText: string, paths: readonly NeededPath[]): readonly RefusedPath[] {
  const settings = unitSettings(unitText);
  const refused = paths.map((needed) => refusedPath(needed, settings));
  return refused.filter((path) => path !== undefined);
}

/** The drop-in that gives the unit what it lacks. */
export function dropInFor(refused: readonly RefusedPath[]): string {
  const lines = refused.flatMap(({ path, because, mend }) => [`# ${because}: ${path}`, ...mend]);
  const once = lines.filter((line, index) => lines.indexOf(line) === index);
  return ['[Service]', '# These folders must exist before the unit is started.', ...once].join('\n');
}

function refusedPath(needed: NeededPath, settings: UnitSettings): RefusedPath | undefined {
  const { path } = needed;
  const hidden = hiddenRoots(settings).find(({ root }) => isBelow(path, root));
  if (hidden !== undefined && !(hidden.byMount && isBound(needed, hidden.root, settings))) {
    return { ...needed, refusedBy: hidden.by, mend: hidden.mend(needed) };
  }
  const nearest = accessRules(settings)
    .filter(({ root }) => isBelow(path, root))
    .reduce<AccessRule>((best, rule) => (rule.root.length >= best.root.length ? rule : best), writableRoot);
  if (needed.needs === 'read' || nearest.access === 'write') return undefined;
  return { ...needed, refusedBy: nearest.by, mend: [`ReadWritePaths=${quoted(path)}`] };
}

interface HiddenRoot {
  readonly root: string;
  readonly by: string;
  /** Something empty lies over it, in which a bind mount can be made. */
  readonly byMount: boolean;
  mend(needed: NeededPath): readonly string[];
}

function hiddenRoots(settings: UnitSettings): readonly HiddenRoot[] {
  const inaccessible = pathsIn(settings, 'InaccessiblePaths').map((root, _, all) => ({
    root,
    by: `InaccessiblePaths=${root}`,
    byMount: false,
    mend: ({ path }: NeededPath) => {
      const others = all.filter((other) => !isBelow(path, other));
      return ['InaccessiblePaths=', ...others.map((other) => `InaccessiblePaths=${quoted(other)}`)];
    },
  }));
  const home = lastOf(settings, 'ProtectHome');
  const homes = ['yes', 'tmpfs'].includes(home) ? ['/home', '/root', '/run/user'] : [];
  const temporary = lastOf(settings, 'PrivateTmp') === 'no' ? [] : ['/tmp', '/var/tmp'];
  return [
    ...inaccessible,
    ...homes.map((root) => ({ root, by: `ProtectHome=${home}`, byMount: home === 'tmpfs', mend: showHomes })),
    ...temporary.map((root) => ({ root, by: 'PrivateTmp=yes', byMount: true, mend: bind })),
  ];
}

function showHomes({ path, needs }: NeededPath): readonly string[] {
  return ['ProtectHome=read-only', ...(needs === 'write' ? [`ReadWritePaths=${quoted(path)}`] : [])];
}

function bind({ path, needs }: NeededPath): readonly string[] {
  return [`${needs === 'write' ? 'BindPaths' : 'BindReadOnlyPaths'}=${quoted(path)}`];
}

function isBound({ path, needs }: NeededPath, hiddenRoot: string, settings: UnitSettings): boolean {
  const keys = needs === 'write' ? ['BindPaths'] : ['BindPaths', 'BindReadOnlyPaths'];
  const bound = keys.flatMap((key) => pathsIn(settings, key));
  return bound.some((root) => isBelow(root, hiddenRoot) && isBelow(path, root));
}

interface AccessRule {
  readonly root: string;
  readonly access: 'read' | 'write';
  readonly by: string;
}

const writableRoot: AccessRule = { root: '/', access: 'write', by: '' };

/** In the order in which they count where two name the same path. The one that names most of a path decides. */
function accessRules(settings: UnitSettings): readonly AccessRule[] {
  const system = lastOf(settings, 'ProtectSystem');
  const home = lastOf(settings, 'ProtectHome');
  const rulesFor = (roots: readonly string[], access: AccessRule['access'], by: string) =>
    roots.map((root) => ({ root, access, by }));
  return [
    ...rulesFor(protectedBy[system] ?? [], 'read', `ProtectSystem=${system}`),
    ...rulesFor(['/dev', '/proc', '/sys'], 'write', ''),
    ...rulesFor(home === 'read-only' ? ['/home', '/root', '/run/user'] : [], 'read', 'ProtectHome=read-only'),
    ...['ReadOnlyPaths', 'BindReadOnlyPaths'].flatMap((key) =>
      pathsIn(settings, key).flatMap((root) => rulesFor([root], 'read', `${key}=${root}`)),
    ),
    ...rulesFor(writableFolders(settings), 'write', ''),
  ];
}

const protectedBy: Readonly<Record<string, readonly string[]>> = {
  yes: ['/usr', '/boot', '/efi'],
  full: ['/usr', '/boot', '/efi', '/etc'],
  strict: ['/'],
};

function writableFolders(settings: UnitSettings): readonly string[] {
  const made = Object.entries({
    StateDirectory: '/var/lib',
    CacheDirectory: '/var/cache',
    LogsDirectory: '/var/log',
    RuntimeDirectory: '/run',
  }).flatMap(([key, parent]) => settings(key).map((name) => `${parent}/${name}`));
  return [...made, ...pathsIn(settings, 'ReadWritePaths'), ...pathsIn(settings, 'BindPaths')];
}

/** The paths of a list as the program sees them: without `-` and `+`, of `SOURCE:PLACE` the place. */
function pathsIn(settings: UnitSettings, key: string): readonly string[] {
  return settings(key).map((word) => {
    const [source = '', place] = word.replace(/^[-+]+/, '').split(':');
    return (place ?? source).replace(/(.)\/+$/, '$1');
  });
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(root === '/' ? '/' : `${root}/`);
}

function quoted(path: string): string {
  const escaped = path.replaceAll('%', '%%');
  return /[\s"]/.test(escaped) ? `"${escaped}"` : escaped;
}
