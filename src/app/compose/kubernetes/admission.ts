// What the API server asks before it stores a local policy, and by what it knows that we answer.
import { ADMISSION_LIMITS, admissionRoutes } from '../../../adapters/http/admission/admission-routes.ts';
import { HttpsListener } from '../../../adapters/http/https-listener.ts';
import { PolicyAdmission, type Standing } from '../../../adapters/kubernetes/admission/policy-admission.ts';
import { WebhookTrust } from '../../../adapters/kubernetes/admission/webhook-trust.ts';
import { whileLeading } from '../../../authority/chores/while-leading.ts';
import type { Config } from '../../../config/schema.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { PolicySet } from '../../../domain/policy/policy-set.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { PolicySource } from '../../../ports/policy/policy-source.ts';
import { judgePolicy } from '../../../review/standing/judge-policy.ts';
import type { Cluster } from '../cluster.ts';
import type { Foundation } from '../foundation.ts';
import type { Issuing } from '../issuing.ts';
import type { Policy } from '../policy/policy.ts';

interface Former {
  readonly cluster: Cluster;
  readonly policy: Policy;
  readonly issuing: Issuing;
}

/** @returns the listener, which needs a serving certificate before it starts; nothing where none is configured. */
export function composeAdmission(
  config: Config,
  { clock, events, health, startUp, untilFlushed, running: signal, worker }: Foundation,
  { cluster: { kubernetes }, policy, issuing }: Former,
): HttpsListener | undefined {
  const { address, configuration } = config.cluster.kubernetes.admission;
  if (kubernetes === undefined || address === undefined) return undefined;
  const admission = new PolicyAdmission({ judge: admissionJudge(config, policy.policies), clock });
  const server = untilFlushed.use(
    new HttpsListener(admissionRoutes({ answer: (text) => admission.answer(text), events }), {
      ...address,
      ...ADMISSION_LIMITS,
      name: 'the admission address',
      reusePort: worker !== undefined,
    }),
  );
  const { anchors } = issuing.parts;
  const { api, lease } = kubernetes;
  const trust = new WebhookTrust({ api, clock, anchors: () => anchors.current().pem }, { name: configuration });
  startUp.at('listen', async (options) => {
    await server.start(options);
    anchors.onChange(() => trust.changed(), { signal });
    void whileLeading({ lease, clock }, async (leading) => trust.keep(leading), { signal });
  });
  health.report('admission', () => degradedBy(trust.problem));
  return server;
}

function admissionJudge({ cluster: { id, labels } }: Config, source: PolicySource) {
  return (text: string, { namespace, name }: { readonly namespace?: string; readonly name: string }): Standing => {
    const policies = inForce(source);
    const place = namespace === undefined ? name : `${namespace}/${name}`;
    const standing = judgePolicy(text, place, { bundle: policies?.bundle, cluster: { id, labels } });
    return { ...standing, bundle: policies?.bundleName };
  };
}

function inForce(source: PolicySource): PolicySet | undefined {
  try {
    return source.current();
  } catch (error) {
    // CAP-S02: before the first bundle a policy is judged by itself.
    if (error instanceof AuthorityError) return undefined;
    throw error;
  }
}
