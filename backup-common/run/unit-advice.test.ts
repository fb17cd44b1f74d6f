import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingLines } from './unit-advice.ts';

const unit = `[Service]
PrivateDevices=yes
RestrictNamespaces=yes
CapabilityBoundingSet=CAP_CHOWN CAP_FOWNER
`;

const cases: readonly { title: string; line: string; dropIn?: string; isMissing: boolean }[] = [
  { title: 'a switch that stands otherwise is missing', line: 'PrivateDevices=no', isMissing: true },
  { title: 'a drop-in turns it', line: 'PrivateDevices=no', dropIn: 'PrivateDevices=no', isMissing: false },
  { title: 'a switch that is not there is off', line: 'ProtectClock=no', isMissing: false },
  { title: 'a word of a list is missing', line: 'CapabilityBoundingSet=CAP_SYS_ADMIN', isMissing: true },
  { title: 'one of two is not enough', line: 'CapabilityBoundingSet=CAP_CHOWN CAP_KILL', isMissing: true },
  {
    title: 'a list grows by a drop-in',
    line: 'CapabilityBoundingSet=CAP_CHOWN CAP_SYS_ADMIN',
    dropIn: 'CapabilityBoundingSet=CAP_SYS_ADMIN',
    isMissing: false,
  },
];

for (const { title, line, dropIn = '', isMissing } of cases) {
  test(title, () => {
    const needed = { line, because: 'zfs of other/pool' };
    assert.deepEqual(missingLines(unit + dropIn, [needed]), isMissing ? [needed] : []);
  });
}
