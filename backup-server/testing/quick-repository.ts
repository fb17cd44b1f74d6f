import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export const quickPassword = 'correct horse battery staple';

/**
 * An empty repository that restic made while it was held back: it chose a key derivation that takes a tenth of the usual
 * time, which every start of restic has to wait for.
 */
export async function makeQuickRepository(path: string): Promise<void> {
  for (const name of ['data', 'index', 'keys', 'locks', 'snapshots'])
    await mkdir(join(path, name), { recursive: true, mode: 0o700 });
  await writeFile(join(path, 'config'), Buffer.from(config, 'base64'), { mode: 0o400 });
  await writeFile(join(path, 'keys', keyId), key, { mode: 0o400 });
}

const config =
  'vJW7pJ2WGRCM5v8fnwW/RgiRYCl2nI0aUI0pyJI7mJUp8fE7a0hWECuEhBHMg7cPJBxVcZpSAzxAAkuTSGPBoNbCJdvaBoJlcl9XaXH/p6aYSAg8p6Iwbxz+0i2R5CIy/jUbQkbsRS9ieKPDnNx4ZOJq7UyYnN1ieXD7Pwuuo+Zvz/d8CjvspLJUi7RqHrLZO2Fgr5P2qHyD2ew=';

/** The sha256 of the key. */
const keyId = 'cc7f96a02391eda20ba9915bb5af021492ac3275a7974d29c3fb76d006259427';
const key =
  '{"created":"2026-11-28T07:46:53.853946122Z","username":"root","hostname":"vm","kdf":"scrypt","N":4096,"r":8,"p":1,"salt":"hHvHlO6hT4F6a3Cl4RFa4LKUmSXUkRLCrb67nAm6v1hiU/jkWJbzQeC2n96uBGIsPYwuW+5zpAXaHzI0fqVCvQ==","data":"mEhlpV0CSD7tXmzvSqsup0izuvDl53UAmXxPwVP/hoATKr+Fka+hAdRNDUQiVyWTXrDPk2z/SOvF38F4R1iED4BL9sKukuXNnAr9SKfPkqZJ8XSOkGQ1Gfk3CzKratfveDeIKaDr4+cdibeodYbT3hCRSccr0l3cVV9O0HAoaozixY1qn0bNovQER0BTpbHtcYHH15aWUPV8ONA6sUkS8Q=="}';
