// Which kubeconfig a command goes by, as kubectl would (https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/).
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';

/**
 * @param named on the command line.
 * @returns its files; nothing where the service account of the pod that this runs in is to be taken.
 * @throws CommandError 2 when there is none.
 */
export function kubeconfigFiles(
  named: string | undefined,
  environment: Invocation['environment'],
): readonly string[] | undefined {
  if (named !== undefined) return [named];
  if (environment['KUBERNETES_SERVICE_HOST'] !== undefined) return undefined;
  const listed = (environment['KUBECONFIG'] ?? '').split(path.delimiter).filter((file) => file !== '');
  const files = listed.length > 0 ? listed : [path.join(environment['HOME'] ?? homedir(), '.kube/config')];
  if (files.some((file) => existsSync(file))) return files;
  throw new CommandError(
    EXIT.unreadable,
    `there is no API server to ask: ${files.join(', ')} does not exist; name one with --kubeconfig`,
  );
}
