// A grpc-js server that owns no port: listeners hand it their connections. One per door, so that a
// handler's door is a fact of its registration and not a question to ask.
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Duplex } from 'node:stream';
import { AuthorityError } from '../../domain/errors.ts';
import type { Door, ServiceRegistration } from './door.ts';
import { joinRepeatedAuthorization } from './repeated-headers.ts';

export interface StreamLimits {
  /** Calls at a time on one connection; a client is told and waits (RFC 9113 section 5.1.2). */
  readonly maxStreamsPerConnection: number;
}

/**
 * The largest request: an SDS request names up to thousands of secrets and carries Envoy's node
 * metadata. grpc-js answers RESOURCE_EXHAUSTED above it, before any service sees the request; the CSR
 * service has a lower bound of its own.
 */
export const MAX_REQUEST_BYTES = 1024 * 1024;

/** Finds clients that went away without a word; agents ping us themselves, every 30 s. */
const KEEPALIVE = { 'grpc.keepalive_time_ms': 60_000, 'grpc.keepalive_timeout_ms': 20_000 } as const;

export class GrpcServer {
  readonly #server: Server;
  readonly #injector: { injectConnection(connection: Duplex): void };
  readonly #draining = new AbortController();
  readonly #forgetHeaders: () => void;

  constructor({ maxStreamsPerConnection }: StreamLimits) {
    this.#server = new Server({
      ...KEEPALIVE,
      'grpc.max_concurrent_streams': maxStreamsPerConnection,
      'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
      // Its bookkeeping per call is never read.
      'grpc.enable_channelz': 0,
    });
    this.#injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    this.#forgetHeaders = joinRepeatedAuthorization();
  }

  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  register(services: readonly ServiceRegistration[], door: Door): void {
    for (const register of services) register(this.#server, door);
  }

  /** Takes a connection that speaks HTTP/2 from its next byte on. */
  serve(connection: Duplex): void {
    this.#injector.injectConnection(connection);
  }

  /** GOAWAY to all; resolves when the calls in flight have ended, at the latest at the deadline. */
  async drain({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.#draining.abort(new AuthorityError('CAP-S03'));
    let deadline: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      deadline = setTimeout(resolve, deadlineMs);
      this.#server.tryShutdown(() => resolve());
    });
    clearTimeout(deadline);
    this.#server.forceShutdown();
    this.#forgetHeaders();
  }
}
