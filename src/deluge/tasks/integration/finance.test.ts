import { tellCases } from '../../../../test/support/integration-cases.ts'

tellCases('tasks of Books, Inventory, Invoice and Billing (§3.10)', [
  {
    task: 'zoho.books.getRecords',
    given: ['contacts', 10, { email: 'a@b' }, 'c'],
    sends: 'GET https://zoho.books.example/books/v3/contacts?organization_id=10&email=a%40b',
    answer: { body: { code: 0, contacts: [] } },
    gives: { code: 0, contacts: [] },
  },
  {
    task: 'zoho.books.getRecords',
    given: ['contacts', '10', 'Bowman', 'c'],
    sends: 'GET https://zoho.books.example/books/v3/contacts?organization_id=10&search_text=Bowman',
  },
  {
    task: 'zoho.books.createRecord',
    given: ['contacts', '10', { contact_name: 'B' }, 'c'],
    sends: 'POST https://zoho.books.example/books/v3/contacts?organization_id=10',
    body: { contact_name: 'B' },
  },
  {
    task: 'zoho.books.markStatus',
    given: ['invoices', '10', '7', 'sent', 'c'],
    sends: 'POST https://zoho.books.example/books/v3/invoices/7/status/sent?organization_id=10',
  },
  {
    task: 'zoho.inventory.updateRecord',
    // pages write modules large, the API writes them small
    given: ['SalesOrders', '10', '7', { rate: 1 }, 'c'],
    sends: 'PUT https://zoho.inventory.example/inventory/v1/salesorders/7?organization_id=10',
    body: { rate: 1 },
  },
  {
    task: 'zoho.invoice.create',
    given: ['invoices', '10', { a: 1 }, 'c'],
    sends: 'POST https://zoho.invoice.example/invoice/v3/invoices?organization_id=10',
    body: { a: 1 },
  },
  { task: 'zoho.billing.getOrganizations', given: ['c'], sends: 'GET https://zoho.billing.example/billing/v1/organizations' },
  {
    task: 'zoho.books.getRecords',
    given: ['salesorders', '60', 'item_id=7&page=2', 'c'],
    sends: 'GET https://zoho.books.example/books/v3/salesorders?organization_id=60&item_id=7&page=2',
  },
  {
    task: 'zoho.books.getRecords',
    given: ['contacts', '60', 'Ada & Co', 'c'],
    sends: 'GET https://zoho.books.example/books/v3/contacts?organization_id=60&search_text=Ada%20%26%20Co',
  },
  {
    task: 'zoho.subscriptions.retrieve',
    given: ['customers', '60', '7', 'c'],
    sends: 'GET https://zoho.billing.example/billing/v1/customers/7',
    headers: { 'X-com-zoho-subscriptions-organizationid': '60' },
  },
])
