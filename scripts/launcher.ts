import manifest from '../package.json' with { type: 'json' };

/**
 * What is called by a program's name: looks at the version of Node before it loads the bundle, which an older one could
 * not even read. Written for every Node that knows ES modules.
 *
 * glibc keeps free memory in up to eight arenas for each core. With two, the first fetch of a million files took 261 to
 * 276 MB where it had taken 310. A fetch takes some 4 % longer for it, an archive does not. That is for our process; what it
 * starts has an environment without it.
 */
export function launcher(name: string, [major, minor] = oldestNode()): string {
  return `#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node
delete process.env.MALLOC_ARENA_MAX;
const [major, minor] = process.versions.node.split('.').map(Number);
if (major > ${major} || (major === ${major} && minor >= ${minor})) {
  await import('../lib/${name}.js');
} else {
  console.error(\`${name}: \${process.execPath} is Node \${process.versions.node}, and ${major}.${minor} or newer is needed\`);
  console.error('  → Look at "which node" and install a newer nodejs.');
  process.exitCode = 2;
}
`;
}

/** From `engines` of package.json. */
function oldestNode(): readonly [major: number, minor: number] {
  const [, major, minor] = /^>=(\d+)\.(\d+)$/.exec(manifest.engines.node) ?? [];
  if (major === undefined || minor === undefined)
    throw new Error(`cannot read engines.node "${manifest.engines.node}"`);
  return [Number(major), Number(minor)];
}
