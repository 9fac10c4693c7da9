import { expect, test } from 'vitest'
import type { Script } from './ast.ts'
import { parse } from './parse.ts'
import { print } from './print.ts'

const printed = (source: string) => {
  const { script, errors } = parse(source)
  expect(errors).toEqual([])
  return print(script)
}

test('a script is printed in one way of writing', () => {
  expect(
    printed(`STRING standalone.f(int a,b){ // c
if(a==1&&!b){return "x\\"y"+'z';}else   if(a>2){ r=invokeurl[url:"https://a"+a type:GET headers:{"k":{1,2}}];for each index i in l{x.f+=i;} } else{try{break;}catch(e){info -a.abs();}}
alert "x" +
  a; n=Form[ID==1].count();}`),
  ).toBe(`STRING standalone.f(int a, b)
{
	if(a == 1 && !b)
	{
		return "x\\"y" + 'z';
	}
	else if(a > 2)
	{
		r = invokeurl
		[
			url: "https://a" + a
			type: GET
			headers: {"k":{1, 2}}
		];
		for each index i in l
		{
			x.f += i;
		}
	}
	else
	{
		try
		{
			break;
		}
		catch (e)
		{
			info -a.abs();
		}
	}
	alert "x" +
  a;
	n = (Form[ID==1]).count();
}
`)
})

test('parentheses that were written stay, and others are written only where they are needed', () => {
  expect(printed('x = (a || b) && ((c)) + (d - (e - f)) * -(g + h);')).toBe('x = (a || b) && c + (d - (e - f)) * -(g + h);\n')
  const { script } = parse('x = a && b || c; y = a || b && c;', { precedence: 'creator' })
  expect(print(script)).toBe('x = a && (b || c);\ny = (a || b) && c;\n')
})

test('a tree that does not know its parentheses gets those that it needs', () => {
  const source = 'x = a - (b - c) * (d + e) / (f / -(g + h)) && (i || j);\n'
  const forgotten = JSON.stringify(parse(source).script).replaceAll('"parenthesised":true', '"parenthesised":false')
  expect(print(JSON.parse(forgotten) as Script)).toBe(source)
})

test('names that would begin another statement are put in parentheses', () => {
  expect(printed('(info).put(1); (hide).show(); (if(a)).b(); if(a, b, c).d();')).toBe(
    '(info).put(1);\n(hide).show();\n(if(a)).b();\nif(a, b, c).d();\n',
  )
})
