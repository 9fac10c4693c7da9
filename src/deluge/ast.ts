/**
 * The tree a script is parsed into. Every node knows where it stands: `start` and `end` are offsets into the source, counted in
 * UTF-16 units, `end` exclusive; `lineAndColumn` turns one into what people read.
 */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface Script extends Span {
  readonly functions: readonly FunctionDeclaration[]
  /** What stands outside every function: a script without a header is only this. */
  readonly body: readonly Statement[]
}

/** `string standalone.greet(string name, int times) { … }` (ST-14). Namespace, types and names as written. */
export interface FunctionDeclaration extends Span {
  readonly kind: 'function'
  readonly returns: string
  readonly namespace: string
  readonly name: string
  /** Where namespace and name stand. */
  readonly nameStart: number
  readonly parameters: readonly Parameter[]
  readonly body: readonly Statement[]
}

export interface Parameter extends Span {
  /** As written, or null for a bare name. */
  readonly type: string | null
  readonly name: string
}

export type Statement = Assignment | ExpressionStatement | If | ForEach | Break | Continue | Return | Info | Try | Foreign

export type AssignmentOperator = '=' | '+=' | '-=' | '*=' | '/=' | '%='

/** `x = e;`, `x.field += e;`, `String x = e;` (ST-1, LEX-14). The declared type is kept and ignored. */
export interface Assignment extends Span {
  readonly kind: 'assignment'
  readonly declared: string | null
  readonly target: Variable | Member
  readonly operator: AssignmentOperator
  readonly value: Expression
}

export interface ExpressionStatement extends Span {
  readonly kind: 'expression'
  readonly expression: Expression
}

export interface If extends Span {
  readonly kind: 'if'
  readonly branches: readonly { readonly condition: Expression; readonly body: readonly Statement[] }[]
  readonly otherwise: readonly Statement[] | null
}

/** `for each x in e { }`, and with `index` `for each index i in e { }` (ST-3, ST-4). */
export interface ForEach extends Span {
  readonly kind: 'for each'
  readonly index: boolean
  readonly variable: Variable
  readonly list: Expression
  readonly body: readonly Statement[]
}

export interface Break extends Span {
  readonly kind: 'break'
}

export interface Continue extends Span {
  readonly kind: 'continue'
}

export interface Return extends Span {
  readonly kind: 'return'
  readonly value: Expression | null
}

export interface Info extends Span {
  readonly kind: 'info'
  readonly value: Expression
}

export interface Try extends Span {
  readonly kind: 'try'
  readonly body: readonly Statement[]
  readonly variable: Variable
  readonly handler: readonly Statement[]
}

/**
 * What only another host of the language can do (`insert into`, `Form[criteria]`, `alert`, ST-10, ST-12): read to its end, never run.
 * It may stand where a statement or an expression stands. `construct` names it for people: "insert into", "fetching records of Form".
 */
export interface Foreign extends Span {
  readonly kind: 'foreign'
  readonly construct: string
  /** As written. */
  readonly text: string
}

export type Expression =
  | TextLiteral
  | QuotedLiteral
  | NumberLiteral
  | BooleanLiteral
  | NullLiteral
  | Variable
  | ListLiteral
  | MapLiteral
  | Member
  | Call
  | MethodCall
  | Unary
  | Binary
  | TaskCall
  | Foreign

/** `"…"` (LEX-5). `value` has its escapes resolved. */
export interface TextLiteral extends Span {
  readonly kind: 'text'
  readonly value: string
}

/** `'…'`: a date, a time, or a text, decided when compiled (LEX-6). */
export interface QuotedLiteral extends Span {
  readonly kind: 'quoted'
  readonly value: string
}

/** `12`, `3.14`: the digits as written. Exact; with a point it is a DECIMAL (LEX-8). */
export interface NumberLiteral extends Span {
  readonly kind: 'number'
  readonly digits: string
}

export interface BooleanLiteral extends Span {
  readonly kind: 'boolean'
  readonly value: boolean
}

export interface NullLiteral extends Span {
  readonly kind: 'null'
}

export interface Variable extends Span {
  readonly kind: 'variable'
  readonly name: string
}

/** `{1,2}` and `[1,2]`. `{}` is a map literal without entries (LEX-10). */
export interface ListLiteral extends Span {
  readonly kind: 'list'
  readonly brackets: '{}' | '[]'
  readonly items: readonly Expression[]
}

export interface MapLiteral extends Span {
  readonly kind: 'map'
  readonly entries: readonly { readonly key: Expression; readonly value: Expression }[]
}

/** `x.name` without parentheses: a field of a map, `e.message`, or a step of a dotted path (`zoho.currentdate`, `input.name`). */
export interface Member extends Span {
  readonly kind: 'member'
  readonly object: Expression
  readonly name: string
  readonly nameStart: number
}

/** `f(a, b)`, and the typed constructors: `List:String()` has the name "List:String". `if(c,a,b)` and `ifnull(a,b)` are calls too. */
export interface Call extends Span {
  readonly kind: 'call'
  readonly name: string
  readonly arguments: readonly Expression[]
  /** `Collection("k":v)` and tasks written as calls with names (LEX-13): the keys, as many as arguments, or null. */
  readonly keys: readonly Expression[] | null
}

/** `x.f(a)`. A dotted path whose root is a namespace (`zoho.crm.getRecords(…)`, `standalone.f(x)`) is parsed as one, too. */
export interface MethodCall extends Span {
  readonly kind: 'method'
  readonly object: Expression
  readonly name: string
  readonly nameStart: number
  readonly arguments: readonly Expression[]
  /** `collection.insert("k":v)`: the keys, as many as arguments, or null. */
  readonly keys: readonly Expression[] | null
}

export interface Unary extends Span {
  readonly kind: 'unary'
  readonly operator: '-' | '+' | '!'
  readonly operand: Expression
}

export type BinaryOperator = '+' | '-' | '*' | '/' | '%' | '==' | '!=' | '<' | '>' | '<=' | '>=' | '&&' | '||'

export interface Binary extends Span {
  readonly kind: 'binary'
  readonly operator: BinaryOperator
  readonly left: Expression
  readonly right: Expression
  /** Stood in parentheses: `a || (b && c)`. For the warning about mixed logic (EX-2) and for printing. */
  readonly parenthesised: boolean
  /** An equality that is written with one `=`. */
  readonly single: boolean
}

/** `invokeurl [ url: … ]`, `sendmail [ … ]`: a task with attributes, in the order written. Names as written, spaces single ("reply to"). */
export interface TaskCall extends Span {
  readonly kind: 'task'
  readonly name: string
  readonly attributes: readonly Attribute[]
}

export interface Attribute extends Span {
  readonly name: string
  readonly value: Expression
}

/** Line and column, both from 1, of an offset. */
export function lineAndColumn(source: string, offset: number): { line: number; column: number } {
  let line = 1
  let lineStart = 0
  for (let at = source.indexOf('\n'); at >= 0 && at < offset; at = source.indexOf('\n', at + 1)) {
    line += 1
    lineStart = at + 1
  }
  return { line, column: offset - lineStart + 1 }
}

/** The dotted path of a chain of names, "zoho.crm", or null when something else is in it. */
export function pathOf(expression: Expression): string | null {
  const names: string[] = []
  let at = expression
  while (at.kind === 'member') {
    names.push(at.name)
    at = at.object
  }
  if (at.kind !== 'variable') return null
  names.push(at.name)
  return names.reverse().join('.')
}
