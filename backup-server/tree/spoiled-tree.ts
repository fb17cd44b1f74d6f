import { BackupError } from '#common/errors.ts';

/** The tree is not what it was taken for. It has to be looked at as a whole, and mended or fetched afresh. */
export class SpoiledTree extends BackupError {}
