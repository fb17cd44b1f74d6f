/** The service that the client of the tests backs up: two units that are stopped, of which the second can be held. */
export const shopFiles: Readonly<Record<string, string>> = {
  '/etc/systemd/system/shop.service': '[Service]\nExecStart=/usr/bin/sleep infinity\n',
  // Stopping it lasts for as long as /run/hold is there: a run can be caught in the middle.
  '/etc/systemd/system/slow.service': `[Service]
ExecStart=/usr/bin/sleep infinity
ExecStop=/bin/sh -c 'while [ -e /run/hold ]; do sleep 0.1; done'
TimeoutStopSec=5min
`,
  '/srv/shop/price': '12\n',
  '/etc/backup/other/shop/service.yaml': `service:
  name: shop
systemd:
  units: [shop.service, slow.service]
  timeout: 5m
files:
  paths: [/srv/shop]
command:
  run: [cat, /etc/debian_version]
  output: version
`,
};

/** A section of either configuration: the mail server of the test's network, with a login when a credential is named. */
export function mailSection(gateway: string, credential?: string): string {
  const login = credential === undefined ? '' : `, user: backup, password: { credential: ${credential} }`;
  return `mail:\n  smtp: { host: ${gateway}, port: 25, tls: none${login} }\n`;
}

/** The hosts: section for one client. */
export function hostsSection(name: string, address: string, hostKey: string): string {
  return `hosts:\n  - hostname: ${name}\n    address: ${address}\n    host_key: ${hostKey}\n`;
}
