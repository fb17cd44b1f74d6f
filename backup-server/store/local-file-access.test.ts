import { archiveStoreContract } from './archive-store-contract.ts';
import { dropFolderStore } from './drop-folder-store.ts';
import { localFileAccess } from './local-file-access.ts';

archiveStoreContract('a folder of this machine', async (path) =>
  dropFolderStore(localFileAccess, { path, host: 'web', timeZone: 'UTC' }),
);
