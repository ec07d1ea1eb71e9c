// What an API server says of tokens, as a test says; each question is kept.
import type {
  KeptTokenKeys,
  ReviewedToken,
  TokenKeyDocument,
  TokenKeyDocuments,
  TokenReviews,
} from '../../../src/ports/cluster/token-reviews.ts';

export class FakeTokenReviews implements TokenReviews {
  readonly asked: string[] = [];
  answer: ReviewedToken | Promise<ReviewedToken> = { outcome: 'confirmed', username: 'system:serviceaccount:shop:api' };

  async review(token: string): Promise<ReviewedToken> {
    this.asked.push(token);
    return this.answer;
  }
}

export class FakeTokenKeyDocuments implements TokenKeyDocuments {
  reads = 0;
  document: TokenKeyDocument | Error;
  before: KeptTokenKeys | undefined;

  constructor(document: TokenKeyDocument | Error) {
    this.document = document;
  }

  async read(): Promise<TokenKeyDocument> {
    this.reads += 1;
    if (this.document instanceof Error) throw this.document;
    return this.document;
  }

  async kept(): Promise<KeptTokenKeys | undefined> {
    return this.before;
  }
}
