// A kubeconfig whose credentials a program gives, as those of cloud providers do: here a script that prints what a test says.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const CREDENTIAL = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential' };
/** Prints `given-1` when it is run for the first time, `given-2` for the second; the last of them from then on. */
const SCRIPT = `cd "$(dirname "$0")" || exit 1
printf x >> runs
run=$(wc -c < runs)
while [ ! -e "given-$run" ]; do run=$((run - 1)); done
cat "given-$run"
`;

interface Kubeconfig {
  readonly users: readonly [{ readonly name: string; readonly user: { readonly token: string } }];
}

/**
 * @param kubeconfig of whoever the program is to give credentials for, with a token.
 * @param folder is made; whoever owns what it is in removes it.
 * @param statuses of the ExecCredentials that it prints, made of the token.
 */
export function programKubeconfig(
  kubeconfig: string,
  folder: string,
  statuses: (token: string) => readonly object[],
): { readonly file: string; readonly runs: () => number } {
  const { users, ...config } = JSON.parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
  const [{ name, user }] = users;
  mkdirSync(folder);
  const at = (file: string): string => path.join(folder, file);
  statuses(user.token).forEach((status, index) =>
    writeFileSync(at(`given-${index + 1}`), JSON.stringify({ ...CREDENTIAL, status })),
  );
  writeFileSync(at('runs'), '');
  writeFileSync(at('print.sh'), SCRIPT);
  const { apiVersion } = CREDENTIAL;
  const exec = { apiVersion, command: 'sh', args: [at('print.sh')], interactiveMode: 'Never' };
  writeFileSync(at('kubeconfig'), JSON.stringify({ ...config, users: [{ name, user: { exec } }] }), { mode: 0o600 });
  return { file: at('kubeconfig'), runs: () => readFileSync(at('runs'), 'utf8').length };
}
