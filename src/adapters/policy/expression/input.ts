// What an expression reads, as the variables that expression-language.ts declares. Each view is made once
// for what it shows and forgotten with it.
import type { ExpressionInput } from '../../../domain/policy/condition.ts';
import type { PolicyRequest } from '../../../domain/policy/request.ts';
import { meter } from './meter.ts';
import { Fields, readableOf } from './values.ts';

export class KeyInput {
  readonly type: string;
  readonly bits: bigint;

  constructor({ type, bits }: PolicyRequest['key']) {
    this.type = type;
    this.bits = BigInt(bits);
  }
}

/** The variable `request`. What is absent is empty text or zero, but for claims, which may be absent. */
export class RequestInput {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly trustDomain: string;
  readonly spiffeId: string;
  readonly class: string;
  readonly issuer: string;
  readonly actor: string;
  readonly key: KeyInput;
  readonly ttlSeconds: bigint;
  readonly claims: Fields;
  readonly #dnsNames: readonly string[];
  #readDnsNames: ReturnType<typeof readableOf> | undefined;

  constructor({ request, class: issuanceClass }: Pick<ExpressionInput, 'request' | 'class'>) {
    const { subject } = request;
    this.namespace = subject.namespace;
    this.serviceAccount = subject.serviceAccount;
    this.trustDomain = subject.trustDomain;
    this.spiffeId = subject.spiffeId;
    this.class = issuanceClass;
    this.issuer = request.issuer.name;
    this.actor = request.actor ?? '';
    this.key = new KeyInput(request.key);
    this.ttlSeconds = BigInt(Math.floor(request.requestedTtlMs / 1_000));
    this.claims = new Fields(request.claims);
    this.#dnsNames = request.dnsNames;
  }

  get dnsNames(): unknown {
    const { value, steps } = (this.#readDnsNames ??= readableOf(this.#dnsNames));
    meter.spend(steps);
    meter.spendOnWalk('dnsNames', this.#dnsNames.length);
    return value;
  }
}

/** The variable `cluster`. */
export class ClusterInput {
  readonly id: string;
  readonly labels: Fields;

  constructor({ id, labels }: ExpressionInput['cluster']) {
    this.id = id;
    this.labels = new Fields(labels);
  }
}

const requests = new WeakMap<object, RequestInput>();
const clusters = new WeakMap<object, ClusterInput>();
const objects = new WeakMap<object, Fields>();

/** @returns the variables by name. */
export function variablesOf(input: ExpressionInput): Readonly<Record<string, object>> {
  const { cluster, object } = input;
  return {
    request: requestViewOf(input),
    cluster: remembered(clusters, cluster, () => new ClusterInput(cluster)),
    ...(object !== undefined && { object: remembered(objects, object, () => new Fields(object)) }),
  };
}

/** One request may be judged under policies that class it differently. */
function requestViewOf(input: ExpressionInput): RequestInput {
  const known = requests.get(input.request);
  if (known?.class === input.class) return known;
  const view = new RequestInput(input);
  requests.set(input.request, view);
  return view;
}

function remembered<View>(views: WeakMap<object, View>, of: object, make: () => View): View {
  const known = views.get(of);
  if (known !== undefined) return known;
  const view = make();
  views.set(of, view);
  return view;
}
