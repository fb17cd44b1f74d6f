import { eventually } from './rig/eventually.ts';
import type { Host } from './rig/host.ts';

/** A property of a unit, as `systemctl show` tells it. */
export async function property(host: Host, unit: string, name: string): Promise<string> {
  return (await host.must(`systemctl show --property=${name} --value ${unit}`)).trim();
}

/** Moves a timer's time close, waits until it has fired and its service has ended, and moves it back. */
export async function letFire(host: Host, name: string): Promise<string> {
  const before = await property(host, `${name}.service`, 'InvocationID');
  const dropIn = `/run/systemd/system/${name}.timer.d/soon.conf`;
  await host.must(`mkdir -p $(dirname ${dropIn})
    printf '[Timer]\\nOnCalendar=\\nOnCalendar=%s\\nRandomizedDelaySec=0\\nAccuracySec=100ms\\n' \
      "$(date -u -d '+3 seconds' '+%F %T UTC')" >${dropIn}
    systemctl daemon-reload
    systemctl restart ${name}.timer`);
  const result = await resultOfNextRun(host, name, before);
  await host.must(`rm -r $(dirname ${dropIn}); systemctl daemon-reload; systemctl restart ${name}.timer`);
  return result;
}

/** How the run ended that comes after the one with this invocation: systemd's word, such as `success`. */
async function resultOfNextRun(host: Host, name: string, before: string): Promise<string> {
  return eventually(`${name} has run on ${host.name}`, async () => {
    const shown = await host.must(`systemctl show --property=InvocationID,ActiveState,Result ${name}.service`);
    const facts = Object.fromEntries(
      shown
        .trim()
        .split('\n')
        .map((line) => line.split('=', 2)),
    );
    const isOver = ['inactive', 'failed'].includes(facts.ActiveState ?? '');
    return isOver && facts.InvocationID !== before && facts.InvocationID !== '' ? facts.Result : undefined;
  });
}
