import {readdirSync, readFileSync} from 'node:fs';
import {dirname, join, relative} from 'node:path';
import {fileURLToPath} from 'node:url';
import {expect, test} from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The pages that a page links to, from the root of the project. */
function linksOf(page: string): string[] {
	const text = readFileSync(join(root, page), 'utf8');
	const links = [...text.matchAll(/\]\((?!\w+:)([^)#]+\.md)(?:#[^)]*)?\)/g)];
	return links.map(([, link = '']) => relative(root, join(root, dirname(page), link)));
}

const pages = readdirSync(join(root, 'docs')).flatMap(name => (name.endsWith('.md') ? [`docs/${name}`] : []));

test('README leads to every page of the documentation, and no page to one that is not there', () => {
	const linked = linksOf('README.md');
	expect([...new Set(linked)].filter(page => page.startsWith('docs/')).sort()).toEqual(pages.sort());
	for (const page of pages) {
		const lost = linksOf(page).filter(link => !pages.includes(link) && link !== 'README.md');
		expect(lost, page).toEqual([]);
	}
});
