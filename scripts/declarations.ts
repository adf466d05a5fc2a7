import {execFileSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join, relative, resolve} from 'node:path';

/**
 * Makes the declarations that are shipped: what `source/index.ts` exports, and all that those types are made
 * of. Into the folder that is named on the command line, or `dist/types`. Fails on one that needs a package:
 * none is shipped.
 */

const root = resolve(import.meta.dirname, '..');
const target = resolve(process.argv[2] ?? join(root, 'dist/types'));
const made = mkdtempSync(join(tmpdir(), 'jarvis-declarations-'));
const imported = /(\bfrom |\bimport[ (])["'](.+?)["']/g;

try {
	const compiler = join(root, 'node_modules/typescript/bin/tsc');
	const project = join(root, 'tsconfig.declarations.json');
	execFileSync(process.execPath, [compiler, '--project', project, '--outDir', made], {stdio: 'inherit'});
	rmSync(target, {recursive: true, force: true});
	// More is made than is reached from there: what the modules behind the types declare.
	const reached = new Set([join(made, 'index.d.ts')]);
	for (const file of reached) ship(file, needed => reached.add(needed));
} finally {
	rmSync(made, {recursive: true, force: true});
}

/** Copies a declaration file, with imports that every TypeScript resolves, and tells which others it needs. */
function ship(file: string, need: (file: string) => void): void {
	const name = relative(made, file);
	const lines = readFileSync(file, 'utf8').split('\n');
	const text = lines
		.map(line => (/^\s*\/?\*/.test(line) ? line : line.replace(imported, shipped)))
		.join('\n');
	const copy = join(target, name);
	mkdirSync(dirname(copy), {recursive: true});
	writeFileSync(copy, text);

	function shipped(whole: string, before: string, path: string): string {
		if (path.startsWith('node:')) return whole;
		if (!path.startsWith('.')) throw new Error(`${name} would be shipped, and needs ${path}, which is not.`);
		need(resolve(dirname(file), path.replace(/\.tsx?$/, '.d.ts')));
		return `${before}'${path.replace(/\.tsx?$/, '.js')}'`;
	}
}
