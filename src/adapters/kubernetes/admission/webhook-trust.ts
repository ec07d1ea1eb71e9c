// Keeps the trust anchors in the ValidatingWebhookConfiguration, by which the API server knows our certificate. The rest of that
// object is its installer's. Done by the process that leads.
import { Alarm } from '../../../live/alarm.ts';
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { AskedWait } from '../api/asked-wait.ts';
import { KubernetesApiError, type ApiKind, type KubernetesApi } from '../api/kubernetes-api.ts';

export interface WebhookTrustParts {
  readonly api: Pick<KubernetesApi, 'get' | 'replace'>;
  readonly clock: Clock;
  /** PEM of the trust anchors in force. */
  readonly anchors: () => string;
}

interface Webhook {
  readonly name: string;
  readonly clientConfig: { readonly caBundle?: string };
}

export const WEBHOOK_CONFIGURATION: ApiKind = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
  namespaced: false,
};
/** Somebody may install it anew, with nothing in it. */
const LOOK_MS = 60_000;
/** After something went wrong. */
const RETRY_MS = 10_000;

export class WebhookTrust {
  readonly #parts: WebhookTrustParts;
  readonly #name: string;
  readonly #alarm: Alarm;
  readonly #asked: AskedWait;
  #problem: string | undefined;

  /** @param settings.name of the ValidatingWebhookConfiguration; all webhooks in it are ours. */
  constructor(parts: WebhookTrustParts, settings: { readonly name: string }) {
    this.#parts = parts;
    this.#name = settings.name;
    this.#alarm = new Alarm(parts.clock);
    this.#asked = new AskedWait(parts.clock);
  }

  /** Why the API server may not trust us, in words for an operator. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** The trust anchors have changed. */
  changed(): void {
    this.#alarm.ring();
  }

  /** Looks and mends while this process leads, until the signal aborts. */
  async keep(options: { readonly signal: AbortSignal }): Promise<void> {
    while (!options.signal.aborted) {
      await this.#look(options);
      await this.#alarm.sleep(this.#problem === undefined ? LOOK_MS : RETRY_MS, options);
    }
    this.#problem = undefined;
  }

  async #look(options: { readonly signal: AbortSignal }): Promise<void> {
    const { api, anchors } = this.#parts;
    const what = `the ValidatingWebhookConfiguration ${this.#name}`;
    try {
      await this.#asked.over(options);
      const found = await api.get(WEBHOOK_CONFIGURATION, { name: this.#name }, options);
      const mended = found === undefined ? undefined : withTrust(found, Buffer.from(anchors()).toString('base64'));
      if (mended !== undefined) await api.replace(WEBHOOK_CONFIGURATION, mended, options);
      this.#problem =
        found === undefined ? `${what} does not exist: policies are not compared when they are applied` : undefined;
    } catch (error) {
      if (options.signal.aborted) return;
      if (!(error instanceof KubernetesApiError)) throw error;
      this.#asked.heed(error);
      this.#problem = `the trust anchors cannot be kept in ${what}: ${error.message}`;
    }
  }
}

/** @returns nothing when it has them already. */
function withTrust(configuration: KubernetesObject, caBundle: string): KubernetesObject | undefined {
  const webhooks = (configuration['webhooks'] ?? []) as readonly Webhook[];
  if (webhooks.every(({ clientConfig }) => clientConfig.caBundle === caBundle)) return undefined;
  const trusting = webhooks.map((webhook) => ({ ...webhook, clientConfig: { ...webhook.clientConfig, caBundle } }));
  return { ...configuration, webhooks: trusting };
}
