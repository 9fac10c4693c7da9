import { strict as assert } from 'node:assert'
import { describe, it } from 'vitest'
import { renamed } from './rename.ts'

const as = (source: string) => renamed(source, { namespace: 'standalone', name: 'old' }, { namespace: 'tools', name: 'fresh' })

describe('renaming a function in its source', () => {
  it('changes its header and the calls of itself, in any case and with blanks, and nothing else', () => {
    assert.equal(
      as(`// standalone.old
string Standalone . OLD(string old) // old
{
  info "standalone.old(1)"; a = old.old;
  if(a == null) { return STANDALONE.old(standalone.old(old)).trim(); }
  return standalone.older(old) + automation.old(old);
}`),
      `// standalone.old
string tools.fresh(string old) // old
{
  info "standalone.old(1)"; a = old.old;
  if(a == null) { return tools.fresh(tools.fresh(old)).trim(); }
  return standalone.older(old) + automation.old(old);
}`,
    )
  })

  it('leaves other functions of the file, variables of the name, and what it does not understand', () => {
    for (const source of [
      'int standalone.other() { return 1; }',
      'int standalone.other() { standalone = {"a":1}; return standalone.old(1); }',
      'return standalone. ;',
      '',
    ])
      assert.equal(as(source), source)
    assert.equal(
      as('int standalone.part() { return standalone.old(); }\nint standalone.old() { return 1; }'),
      'int standalone.part() { return tools.fresh(); }\nint tools.fresh() { return 1; }',
    )
  })

  it('changes one without a header only where it calls itself', () => {
    assert.equal(as('x = standalone.old(1); return x;'), 'x = tools.fresh(1); return x;')
    assert.equal(as('x = thisapp.standalone.old(1); return x;'), 'x = tools.fresh(1); return x;')
  })
})
