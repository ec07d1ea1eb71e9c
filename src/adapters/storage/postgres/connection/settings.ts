// What is said of a PostgreSQL in the configuration.

export interface PostgresHost {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
}

export interface PostgresSettings {
  readonly user: string;
  /** Asked in this order for the one that takes writes; at least one. */
  readonly hosts: readonly PostgresHost[];
  readonly database: string;
  /** PEM file; with it every connection is TLS, and the server's certificate is verified with it and by name. */
  readonly caFile?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly maxConnections: number;
  /** Milliseconds. */
  readonly statementTimeout: number;
}

/** What a statement may take longer on its way than in the database, before its connection is given up. */
export const GRACE_MS = 500;
