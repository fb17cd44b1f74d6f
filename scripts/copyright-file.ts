import type { ThirdParty } from './third-party.ts';

/** debian/copyright: our own licence, and that of each npm package in the bundles. Its form is that of DEP-5. */
export function copyrightFile(ownLicence: string, parties: readonly ThirdParty[]): string {
  const paragraphs = [
    [
      'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/',
      'Upstream-Name: backup-suite',
      'Comment: Made by "npm run generate"; do not edit. The programs in /opt/backup/lib are bundles: they hold parts of the',
      ' packages from npm that are named below, and of no others.',
    ],
    [
      'Files: *',
      'Copyright: 2026 the maintainers of backup-suite',
      'License: AGPL-3.0-or-later',
      ...indented(ownLicence),
    ],
    ...parties.map(partyParagraph),
  ];
  return `${paragraphs.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function partyParagraph({ name, version, license, copyright, text }: ThirdParty): string[] {
  return [
    `Files: node_modules/${name}/*`,
    `Comment: version ${version}`,
    `Copyright: ${copyright.join('\n           ')}`,
    `License: ${license}`,
    ...indented(
      license in shared ? (shared[license] ?? '') : text || `As in the file package.json of ${name}: ${license}.`,
    ),
  ];
}

/** Licences that every Debian has. */
const shared: Readonly<Record<string, string>> = {
  'Apache-2.0': 'The full text is in /usr/share/common-licenses/Apache-2.0.',
};

function indented(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) => (line.trim() === '' ? ' .' : ` ${line.trim()}`));
}
