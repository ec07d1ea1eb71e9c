// `capstan doctor`: what is set up wrong between Capstan, Istio and the cluster, each with what mends it. It changes nothing.
import type { Command } from 'commander';
import type { HostPort } from '../../config/shapes/shapes.ts';
import type { Invocation } from '../invocation.ts';
import { hostPortOption } from '../options/option-values.ts';
import { exitOf, printReport, reportOption, type ReportFormat } from '../reports/report.ts';

interface DoctorOptions {
  readonly config?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly server?: HostPort;
  readonly observation?: string;
  readonly supportBundle?: string;
  readonly output: ReportFormat;
}

const EXAMPLES = `
Examples:
  $ capstan doctor
  $ kubectl -n istio-system port-forward service/capstan 15012 15014 &
  $ capstan doctor --server localhost:15012 --observation http://localhost:15014
  $ capstan doctor --config /etc/capstan/capstan.yaml --support-bundle support.json

The API server is that of --kubeconfig, else of the pod that this runs in, else of KUBECONFIG or ~/.kube/config. Without
--config the configuration is that of Capstan's pods. In a pod, with --config, its own listeners are looked at. Ends with exit code 1 when an error is found, and 2 when it could
not look.`;

export function registerDoctor(program: Command, invocation: Invocation): void {
  program
    .command('doctor')
    .description('find what is set up wrong between Capstan, Istio and the cluster, and say what mends it')
    .option('--config <file>', 'configuration of the server, with its files on this machine')
    .option('--kubeconfig <file>', 'how to reach the API server')
    .option('--context <name>', 'context of the kubeconfig')
    .option('--namespace <name>', 'namespace that Capstan runs in (default: that of the pod, else istio-system)')
    .option('--server <host:port>', "Capstan's TLS port, as it is reached from here", hostPortOption)
    .option('--observation <url>', "Capstan's HTTP port, as it is reached from here")
    .option('--support-bundle <file>', 'write all that was seen there, without keys, tokens and CSRs')
    .addOption(reportOption())
    .addHelpText('after', EXAMPLES)
    .action((options: DoctorOptions) => doctor(options, invocation));
}

async function doctor({ supportBundle, output, ...wanted }: DoctorOptions, invocation: Invocation): Promise<void> {
  const { terminal, endWith } = invocation;
  const [{ consult }, { doctorReport }] = await Promise.all([
    import('../inputs/estate/consult-doctor.ts'),
    import('../reports/doctor/diagnosis.ts'),
  ]);
  const consulted = await consult(wanted, invocation);
  if (supportBundle !== undefined) {
    const { writeSupportBundle } = await import('../reports/doctor/support-bundle.ts');
    await writeSupportBundle(supportBundle, consulted, invocation);
  }
  endWith(exitOf(consulted.diagnosis.cases.flatMap(({ findings }) => findings)));
  printReport(doctorReport(consulted.diagnosis, terminal), output, terminal);
}
