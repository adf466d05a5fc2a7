import {readFile, writeFile} from 'node:fs/promises';
import {resolve} from 'node:path';
import {concernTable} from '../source/auth/concerns.ts';
import {isSecretMethod} from '../source/auth/providers/contract.ts';
import {providersFrom} from '../source/auth/providers/registry.ts';
import {slashCommands} from '../source/auth/routing/slash-command.ts';
import {findingTable as auditTable} from '../source/auth/secrets/findings.ts';
import {type CommandSpec, commandTable} from '../source/commands/table.ts';
import {findingTable} from '../source/doctor/findings.ts';
import {errorTable} from '../source/errors.ts';
import {keymap, keyName, type Scope, scopeTitles} from '../source/keymap.ts';
import {auditEvents} from '../source/store/audit-log.ts';
import {decodeConfig} from '../source/store/config.ts';
import {manifestSchema} from '../source/store/manifests.ts';
import {jsonSchemaOf} from './manifest-schema.ts';

/**
 * Writes the parts of the docs that are made from the program's own tables, between
 * `<!-- made from … -->` and `<!-- end -->`, and the JSON Schema of a plugin's manifest. With `--check` it writes
 * nothing and fails on a difference.
 */

interface Member {
	readonly description?: string;
	readonly required?: readonly string[];
	readonly properties?: Readonly<Record<string, Member>>;
	readonly items?: Member;
	readonly oneOf?: readonly Member[];
	readonly enum?: readonly string[];
	readonly const?: string;
}

const manifest: Member = jsonSchemaOf(manifestSchema);

const parts: Readonly<Record<string, () => string>> = {
	'the keymap': keys,
	'the commands': commands,
	'the errors': errors,
	'the audit events': events,
	'the events of watch': concerns,
	'the findings': findings,
	'the findings of an audit': auditFindings,
	'the slash commands': slashes,
	'the providers': providers,
	"the manifest's schema": members,
};

const check = process.argv.includes('--check');
for (const name of [
	...['keys', 'commands', 'errors', 'doctor', 'log', 'sessions', 'plugins', 'providers', 'keychain', 'watch'],
]) {
	await put(`${name}.md`, text =>
		text.replace(
			/<!-- made from (.+?) -->\n[\s\S]*?<!-- end -->/g,
			(_, source: string) => `<!-- made from ${source} -->\n\n${parts[source]?.() ?? ''}\n\n<!-- end -->`,
		),
	);
}
await put('jarvis.plugin.schema.json', schema);

async function put(name: string, change: (text: string) => string): Promise<void> {
	const file = resolve(import.meta.dirname, '../docs', name);
	const text = await readFile(file, 'utf8').catch(() => '');
	const made = change(text);
	if (made === text) return;
	if (!check) return writeFile(file, made);
	console.error(`docs/${name} is not what the program's tables say: npm run docs`);
	process.exitCode = 1;
}

function schema(): string {
	const whole = {
		$schema: 'https://json-schema.org/draft/2020-12/schema',
		title: 'A provider for JARVIS, as jarvis.plugin.json declares it',
		...manifest,
	};
	return `${JSON.stringify(whole, undefined, 2)}\n`;
}

function members(): string {
	const methods = manifest.properties?.auth?.items?.oneOf ?? [];
	return [
		...section('The provider', manifest),
		...methods.flatMap(method => section(`A member of \`auth\`: ${namesOf(method)}`, method)),
		...section('A member of `probes`', manifest.properties?.probes?.items ?? {}),
	].join('\n');
}

function section(title: string, member: Member): string[] {
	const {description} = member;
	const head = [`### ${title}`, '', ...(description ? [`${capital(description)}.`, ''] : [])];
	return [...head, '| member | |', '|---|---|', ...rowsOf('', member), ''];
}

function rowsOf(prefix: string, {properties = {}, required = []}: Member): string[] {
	return Object.entries(properties).flatMap(([name, member]) => {
		const needed = required.includes(name) ? ' (required)' : '';
		const text = [member.description, valuesOf(member)].filter(Boolean).join(': ') + needed;
		const own = name === '$schema' ? [] : [`| \`${prefix}${name}\` | ${cell(text)} |`];
		return [...own, ...rowsOf(`${prefix}${name}.`, member)];
	});
}

function valuesOf({enum: values, const: value, items}: Member): string {
	const all = values ?? items?.enum ?? (value === undefined ? [] : [value]);
	return all.map(each => `\`${each}\``).join(', ');
}

function namesOf({properties}: Member): string {
	return valuesOf(properties?.method ?? {});
}

function keys(): string {
	return (Object.keys(scopeTitles) as Scope[])
		.map(scope => {
			const rows = keymap
				.filter(binding => binding.scope === scope)
				.map(
					binding =>
						`| ${binding.keys.map(key => `\`${keyName(key)}\``).join(' ')} | ${cell(binding.help)} |`,
				);
			// What a key does may be said of several states in the same words.
			const told = [...new Set(rows)];
			return [`### ${scopeTitles[scope]}`, '', '| key | what it does |', '|---|---|', ...told].join('\n');
		})
		.join('\n\n');
}

function commands(): string {
	return commandTable
		.map(spec => {
			const flags = spec.flags.map(flag => {
				const usage = `--${flag.name}${flag.value ? ` <${flag.value}>` : ''}`;
				return `| \`${usage}\` | ${cell(flag.help)}${flag.required ? ' (required)' : ''}${flag.several ? ' (may be repeated)' : ''} |`;
			});
			const words = spec.arguments.map(argument => `| \`<${argument.name}>\` | ${cell(argument.help)} |`);
			const table = [...words, ...flags];
			const head = [`### \`${usageOf(spec)}\``, '', `${capital(spec.summary)}.`];
			return (table.length > 0 ? [...head, '', '| | |', '|---|---|', ...table] : head).join('\n');
		})
		.join('\n\n');
}

function errors(): string {
	const rows = Object.entries(errorTable).map(
		([code, {exit, meaning}]) => `| \`${code}\` | ${exit} | ${cell(meaning)} |`,
	);
	return ['| code | exit | what happened |', '|---|---|---|', ...rows].join('\n');
}

function findings(): string {
	const rows = Object.entries(findingTable).map(([id, row]) => {
		const fix = 'fix' in row ? row.fix : '–';
		return `| \`${id}\` | ${row.severity} | ${cell(row.meaning)} | ${cell(fix)} |`;
	});
	return ['| id | | what is found | `--fix` |', '|---|---|---|---|', ...rows].join('\n');
}

function events(): string {
	const rows = Object.entries(auditEvents).map(([name, meaning]) => `| \`${name}\` | ${cell(meaning)} |`);
	return ['| event | what happened |', '|---|---|', ...rows].join('\n');
}

function concerns(): string {
	const rows = Object.entries(concernTable).map(
		([name, {level, meaning}]) => `| \`${name}\` | \`${level}\` | ${cell(meaning)} |`,
	);
	return ['| event | level | what happened |', '|---|---|---|', ...rows].join('\n');
}

function auditFindings(): string {
	const rows = Object.entries(auditTable).map(
		([code, {level, meaning}]) => `| \`${code}\` | ${level} | ${cell(meaning)} |`,
	);
	return ['| code | level | what was found |', '|---|---|---|', ...rows].join('\n');
}

function slashes(): string {
	const rows = slashCommands.map(
		({usage, help}) => `| ${usage.map(text => `\`${text}\``).join(', ')} | ${cell(help)} |`,
	);
	return ['| command | what it does |', '|---|---|', ...rows].join('\n');
}

function providers(): string {
	const rows = [...providersFrom(decodeConfig({}), []).values()].map(provider => {
		const {id, label, aliases = [], auth, env = [], envKinds = {}, envParts = []} = provider;
		const variables = [...env.filter(name => envKinds[name]?.length !== 0), ...envParts];
		const methods = [...new Set(auth.map(({method}) => method))];
		const made = [...new Set(auth.flatMap(method => (isSecretMethod(method) ? (method.madeAt ?? []) : [])))];
		const places = made.map(place => (URL.canParse(place) ? `<${place}>` : `\`${place}\``));
		const names = [id, label, codes(aliases), codes(methods), codes(variables), places.join(', ')];
		return `| ${names.map((name, index) => (index === 0 ? `\`${name}\`` : name)).join(' | ')} |`;
	});
	const head = ['id', 'label', 'aliases', 'methods', 'variables', 'where the secret is made'];
	return [`| ${head.join(' | ')} |`, `|${head.map(() => '---|').join('')}`, ...rows].join('\n');
}

function codes(names: readonly string[]): string {
	return names.map(name => `\`${name}\``).join(', ');
}

function usageOf({path, arguments: words}: CommandSpec): string {
	const told = words.flatMap(({name, variadic, optional, foreign}) => {
		const word = `<${name}>${variadic ? '…' : ''}`;
		return [...(foreign ? ['--'] : []), optional ? `[${word}]` : word];
	});
	return ['jarvis', ...path, ...told].join(' ');
}

function capital(text: string): string {
	return text.charAt(0).toUpperCase() + text.slice(1);
}

function cell(text: string): string {
	return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
