import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {LoginIo} from '../../source/auth/providers/contract.ts';
import {temporaryFolder, writeJson} from './sandbox.ts';

/** A folder with a package.json and this text as its module; gone after the test. */
export function pluginFolder(text: string): string {
	const folder = temporaryFolder();
	writeFileSync(
		join(folder, 'package.json'),
		'{"name": "example", "type": "module", "exports": "./index.js"}\n',
	);
	writeFileSync(join(folder, 'index.js'), text);
	return folder;
}

/** Declares providers whose tokens can be refreshed, at a server that nobody is to ask. */
export function declare(stateDir: string, ...ids: readonly string[]): void {
	for (const id of ids) {
		writeJson(join(stateDir, 'plugins', id, 'jarvis.plugin.json'), {
			...{id, label: id},
			auth: [
				{
					method: 'device_code',
					...{clientId: 'jarvis', tokenEndpoint: 'http://127.0.0.1:9/token'},
					deviceAuthorizationEndpoint: 'http://127.0.0.1:9/device',
				},
			],
		});
	}
}

/**
 * The text of a module that exports one provider with one method.
 * @param members of the method, as the text of JavaScript
 */
export function oneMethod(members: string, id = 'acme'): string {
	return `export default {id: '${id}', label: 'Acme', auth: [{method: 'custom', ${members}}]};\n`;
}

/** What a login's code may touch, where nobody is asked; `changes` replace parts of it. */
export function quietIo(changes: Partial<LoginIo> = {}): LoginIo {
	const nobody = async (): Promise<never> => {
		throw new Error('nobody is asked here');
	};
	return {
		...{fetch, now: Date.now, signal: new AbortController().signal},
		...{showLink: nobody, ask: nobody, choose: nobody, redirect: nobody},
		showCode: () => {},
		progress: () => {},
		...changes,
	};
}
