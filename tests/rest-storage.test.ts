import { join } from 'node:path';
import { it } from 'node:test';
import { startFleet } from './rig/fleet.ts';
import { provesStorage } from './rig/storage-cycle.ts';
import { startRestServer } from './rig/storage-servers.ts';

it('a repository on a REST server works like a folder, and a wrong password is told', async () => {
  const fleet = await startFleet();
  const server = await startRestServer(join(fleet.folder, 'rest'));
  try {
    await provesStorage(fleet, server, { root: server.root.replace(':secret@', ':guess@') });
  } finally {
    await server.stop();
    await fleet.stop();
  }
});
