// A client of Istio's CSR API, for the command line: one CSR, one answer, no retry.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import {
  IstioCertificateRequestSchema,
  IstioCertificateResponseSchema,
  IstioCertificateService,
} from '../../../gen/istio/v1/auth/certificate_service_pb.js';

export interface CsrServer {
  /** `host:port`. */
  readonly address: string;
  /** DNS name that the server's certificate must carry; the address need not be it. */
  readonly serverName: string;
  /** PEM trust anchors that the server must chain to. */
  readonly rootsPem: string;
}

export interface CsrRequest {
  readonly csrPem: string;
  /** Absent asks for the server's default lifetime. */
  readonly validitySeconds?: number;
  /** Bearer token that proves who asks. */
  readonly token: string;
}

export type CsrAnswer =
  | {
      readonly outcome: 'issued';
      /** Leaf, then each intermediate. */
      readonly chainPems: readonly string[];
      /** The trust bundle, the last element of the answer. */
      readonly rootsPem: string;
    }
  | {
      readonly outcome: 'refused';
      /** Name of the gRPC status, such as `PERMISSION_DENIED`. */
      readonly status: string;
      /** The server's line; Capstan's begins with a reason code. */
      readonly message: string;
    };

/** Twice what the server gives itself. */
const DEADLINE_MS = 10_000;
/** An answer is a few certificates and the bundle. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Asks once. Aborting the signal cancels the call. */
export async function requestCertificate(
  server: CsrServer,
  order: CsrRequest,
  { signal }: { readonly signal: AbortSignal },
): Promise<CsrAnswer> {
  if (signal.aborted) return { outcome: 'refused', status: 'CANCELLED', message: 'cancelled before it was asked' };
  const { input, name } = IstioCertificateService.method.createCertificate;
  const channel = credentials.createSsl(Buffer.from(server.rootsPem));
  const client = new Client(server.address, channel, {
    'grpc.ssl_target_name_override': server.serverName,
    'grpc.default_authority': server.serverName,
    'grpc.max_receive_message_length': MAX_ANSWER_BYTES,
    'grpc.enable_retries': 0,
  });
  const headers = new Metadata();
  headers.set('authorization', `Bearer ${order.token}`);
  const request = create(IstioCertificateRequestSchema, {
    csr: order.csrPem,
    validityDuration: BigInt(order.validitySeconds ?? 0),
  });
  const { promise, resolve } = Promise.withResolvers<CsrAnswer>();
  const call = client.makeUnaryRequest(
    `/${IstioCertificateService.typeName}/${name}`,
    (message: typeof request) => Buffer.from(toBinary(input, message)),
    (bytes: Buffer) => fromBinary(IstioCertificateResponseSchema, bytes),
    request,
    headers,
    { deadline: Date.now() + DEADLINE_MS },
    (error, answer) => resolve(error === null ? issued(answer?.certChain ?? []) : refused(error)),
  );
  const cancel = (): void => call.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', cancel);
    client.close();
  }
}

function issued(chain: readonly string[]): CsrAnswer {
  const rootsPem = chain.at(-1);
  if (rootsPem === undefined || chain.length < 2) {
    return {
      outcome: 'refused',
      status: 'INTERNAL',
      message: 'the answer holds no certificate with its trust anchors',
    };
  }
  return { outcome: 'issued', chainPems: chain.slice(0, -1), rootsPem };
}

function refused({ code, details }: ServiceError): CsrAnswer {
  return { outcome: 'refused', status: status[code], message: oneLine(details) };
}

/** grpc-js ends some of its own lines with the head of a note that it does not have. */
function oneLine(details: string): string {
  return details
    .replaceAll(/\s+/g, ' ')
    .replace(/ Resolution note: ?$/, '')
    .trim();
}
