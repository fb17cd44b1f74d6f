import manifest from '../package.json' with { type: 'json' };

/** The version of all three programs. */
export const version: string = manifest.version;
