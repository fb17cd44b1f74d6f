import { type Built, type PackageName, packageFile } from '../build.ts';
import type { Host } from '../rig/host.ts';
import type { Network } from '../rig/network.ts';

/** What the steps of this scenario work on. */
export interface Hosts {
  readonly client: Host;
  readonly server: Host;
  readonly network: Network;
  readonly built: Built;
}

/** Installs packages of a folder, or upgrades to them, as an administrator does; what apt said. */
export async function apt(host: Host, folder: string, ...names: PackageName[]): Promise<string> {
  const files = await Promise.all(names.map((name) => packageFile(folder, name)));
  return host.must(`apt-get install -y -qq ${files.join(' ')} 2>&1`);
}
