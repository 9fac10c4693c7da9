import type { Attribute, Binary, Expression, FunctionDeclaration, Member, MethodCall, Script, Statement } from './ast.ts'
import { startsFormWord } from './foreign.ts'
import { mistakenStatements } from './mistakes.ts'
import { bindings } from './parse-expressions.ts'

/**
 * A script's tree as source, in one way of writing: parsed again it gives the same tree, printed again the same text. Comments are not in the
 * tree and are lost. Operators are written for the usual precedence.
 */
export function print(script: Script): string {
  const lines: string[] = []
  for (const declaration of script.functions) printFunction(declaration, lines)
  printBody(script.body, '', lines)
  return lines.map(line => `${line}\n`).join('')
}

function printFunction(declaration: FunctionDeclaration, lines: string[]): void {
  const { returns, namespace, name, parameters, body } = declaration
  const written = parameters.map(parameter => (parameter.type === null ? parameter.name : `${parameter.type} ${parameter.name}`))
  lines.push(`${returns} ${namespace === '' ? '' : `${namespace}.`}${name}(${written.join(', ')})`)
  printBlock(body, '', lines)
}

function printBlock(body: readonly Statement[], indent: string, lines: string[]): void {
  lines.push(`${indent}{`)
  printBody(body, `${indent}\t`, lines)
  lines.push(`${indent}}`)
}

function printBody(body: readonly Statement[], indent: string, lines: string[]): void {
  for (const statement of body) printStatement(statement, indent, lines)
}

function printStatement(statement: Statement, indent: string, lines: string[]): void {
  switch (statement.kind) {
    case 'assignment': {
      const { declared, target, operator, value } = statement
      const left = declared === null ? leading(target, indent) : `${declared} ${textOf(target, indent)}`
      lines.push(`${indent}${left} ${operator} ${textOf(value, indent)};`)
      break
    }
    case 'expression':
      lines.push(`${indent}${leading(statement.expression, indent)};`)
      break
    case 'if':
      for (const [index, { condition, body }] of statement.branches.entries()) {
        lines.push(`${indent}${index === 0 ? '' : 'else '}if(${textOf(condition, indent)})`)
        printBlock(body, indent, lines)
      }
      if (statement.otherwise !== null) {
        lines.push(`${indent}else`)
        printBlock(statement.otherwise, indent, lines)
      }
      break
    case 'for each':
      lines.push(`${indent}for each ${statement.index ? 'index ' : ''}${statement.variable.name} in ${textOf(statement.list, indent)}`)
      printBlock(statement.body, indent, lines)
      break
    case 'try':
      lines.push(`${indent}try`)
      printBlock(statement.body, indent, lines)
      lines.push(`${indent}catch (${statement.variable.name})`)
      printBlock(statement.handler, indent, lines)
      break
    case 'return':
      lines.push(statement.value === null ? `${indent}return;` : `${indent}return ${textOf(statement.value, indent)};`)
      break
    case 'info':
      lines.push(`${indent}info ${textOf(statement.value, indent)};`)
      break
    case 'break':
    case 'continue':
      lines.push(`${indent}${statement.kind};`)
      break
    case 'foreign':
      lines.push(`${indent}${statement.text};`)
      break
  }
}

const statementWords = new Set(['if', 'for', 'try', 'return', 'info', 'break', 'continue', 'alert', ...Object.keys(mistakenStatements)])

/** An expression where a statement begins: a name that would begin another statement there is put in parentheses. */
function leading(expression: Expression, indent: string): string {
  let first = expression
  for (;;) {
    if (first.kind === 'binary' && !first.parenthesised) first = first.left
    else if (first.kind === 'member' || first.kind === 'method') first = first.object
    else break
  }
  const text = textOf(expression, indent)
  if (first.kind !== 'variable' && (first.kind !== 'call' || (first.name.toLowerCase() === 'if' && first.arguments.length === 3)))
    return text
  if (!statementWords.has(first.name.toLowerCase()) && !startsFormWord(first.name)) return text
  const own = textOf(first, indent)
  return `(${own})${text.slice(own.length)}`
}

/** Where the pieces of an expression go, and how far its statement is indented: the attributes of a task stand on lines of their own. */
interface Parts {
  readonly indent: string
  push(...texts: string[]): void
}

function textOf(expression: Expression, indent: string): string {
  const texts: string[] = []
  printExpression(expression, { indent, push: (...more) => texts.push(...more) })
  return texts.join('')
}

function printExpression(expression: Expression, parts: Parts): void {
  switch (expression.kind) {
    case 'text':
      parts.push(`"${escaped(expression.value, '"')}"`)
      break
    case 'quoted':
      parts.push(`'${escaped(expression.value, "'")}'`)
      break
    case 'number':
      parts.push(expression.digits)
      break
    case 'boolean':
      parts.push(String(expression.value))
      break
    case 'null':
      parts.push('null')
      break
    case 'variable':
      parts.push(expression.name)
      break
    case 'list':
      parts.push(expression.brackets.charAt(0))
      printList(expression.items, null, parts)
      parts.push(expression.brackets.charAt(1))
      break
    case 'map':
      parts.push('{')
      printList(
        expression.entries.map(entry => entry.value),
        expression.entries.map(entry => entry.key),
        parts,
      )
      parts.push('}')
      break
    case 'call':
      parts.push(expression.name)
      printArguments(expression, parts)
      break
    case 'member':
    case 'method':
      printChain(expression, parts)
      break
    case 'unary':
      // A space keeps `- -x` from being read as `--x`.
      parts.push(expression.operand.kind === 'unary' ? `${expression.operator} ` : expression.operator)
      printIn(expression.operand, expression.operand.kind === 'binary' && !expression.operand.parenthesised, parts)
      break
    case 'binary':
      printBinary(expression, parts)
      break
    case 'task':
      parts.push(`${expression.name}\n${parts.indent}[\n`)
      for (const attribute of expression.attributes) printAttribute(attribute, parts)
      parts.push(`${parts.indent}]`)
      break
    case 'foreign':
      parts.push(expression.text)
  }
}

const escaped = (value: string, quote: string): string =>
  value.replace(/["'\\\n\t\r]/g, character => {
    if (character === '\n') return '\\n'
    if (character === '\t') return '\\t'
    if (character === '\r') return '\\r'
    return character === '\\' || character === quote ? `\\${character}` : character
  })

function printIn(expression: Expression, parentheses: boolean, parts: Parts): void {
  if (parentheses) parts.push('(')
  printExpression(expression, parts)
  if (parentheses) parts.push(')')
}

/** `a, b` or `k:a, k:b`. A space after a key that is a name keeps `{list: date(x)}` from being read as a constructor (LEX-13). */
function printList(values: readonly Expression[], keys: readonly Expression[] | null, parts: Parts): void {
  for (const [index, value] of values.entries()) {
    if (index > 0) parts.push(', ')
    const key = keys?.[index]
    if (key !== undefined) {
      printExpression(key, parts)
      parts.push(key.kind === 'text' ? ':' : ': ')
    }
    printExpression(value, parts)
  }
}

function printArguments(
  call: { readonly arguments: readonly Expression[]; readonly keys: readonly Expression[] | null },
  parts: Parts,
): void {
  parts.push('(')
  printList(call.arguments, call.keys, parts)
  parts.push(')')
}

/** A chain of members and methods, from its first object on: a loop, since chains may be long. */
function printChain(last: Member | MethodCall, parts: Parts): void {
  const chain: (Member | MethodCall)[] = []
  let object: Expression = last
  while (object.kind === 'member' || object.kind === 'method') {
    chain.push(object)
    object = object.object
  }
  const loose = object.kind === 'unary' || object.kind === 'foreign' || (object.kind === 'binary' && !object.parenthesised)
  printIn(object, loose, parts)
  for (const link of chain.reverse()) {
    parts.push('.', link.name)
    if (link.kind === 'method') printArguments(link, parts)
  }
}

/** Operators of one side, from the innermost on: a loop, since a text may be put together from thousands of parts. */
function printBinary(last: Binary, parts: Parts): void {
  const spine: { node: Binary; parentheses: boolean }[] = [{ node: last, parentheses: last.parenthesised }]
  let left = last.left
  for (let above = last; left.kind === 'binary'; above = left, left = left.left) {
    spine.push({ node: left, parentheses: left.parenthesised || bindingOf(left) < bindingOf(above) })
  }
  for (const { parentheses } of spine) if (parentheses) parts.push('(')
  printExpression(left, parts)
  for (const { node, parentheses } of spine.reverse()) {
    const { right } = node
    parts.push(` ${node.operator} `)
    printIn(right, right.kind === 'binary' && !right.parenthesised && bindingOf(right) <= bindingOf(node), parts)
    if (parentheses) parts.push(')')
  }
}

const bindingOf = (node: Binary): number => bindings.usual[node.operator]

function printAttribute({ name, value }: Attribute, parts: Parts): void {
  parts.push(`${parts.indent}\t${name}: `)
  printExpression(value, parts)
  parts.push('\n')
}
