import { must } from './commands.ts';

export interface Mirrors {
  readonly main: string;
  readonly security: string;
}

/** The mirrors of Debian that this machine's apt uses. */
export async function mirrors(): Promise<Mirrors> {
  const listed = await must('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']);
  const uris = [...new Set(listed.split('\n').filter((line) => line !== ''))];
  const security = uris.find((uri) => /debian-security\/*$/.test(uri));
  const main = uris.find((uri) => /\/debian\/*$/.test(uri));
  if (main === undefined || security === undefined)
    throw new Error(`apt of this machine has no mirror of Debian and its security updates: ${uris.join(', ')}`);
  return { main, security };
}
