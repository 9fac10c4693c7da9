/** `name` covers keywords, too: they are ordinary words until the parser meets them where they mean something (LEX-4). */
export type TokenKind =
  | 'end'
  | 'name'
  | 'text'
  | 'quoted'
  | 'number'
  | '('
  | ')'
  | '['
  | ']'
  | '{'
  | '}'
  | ','
  | ';'
  | ':'
  | '.'
  | '?'
  | '='
  | '+='
  | '-='
  | '*='
  | '/='
  | '%='
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '=='
  | '!='
  | '<'
  | '>'
  | '<='
  | '>='
  | '&&'
  | '||'
  | '!'

export interface Token {
  readonly kind: TokenKind
  readonly start: number
  readonly end: number
  /** First on its line: where a forgotten `;` is noticed. */
  readonly fresh: boolean
}

/** An opening or closing quotation mark that word processors write; LEX-15. */
export const smartQuotes = '\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019\u201a\u201b\u2032\u2033`\u00b4'
