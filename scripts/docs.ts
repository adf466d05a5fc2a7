import {readFile, writeFile} from 'node:fs/promises';
import {resolve} from 'node:path';
import {isSecretMethod} from '../source/auth/providers/contract.ts';
import {providersFrom} from '../source/auth/providers/registry.ts';
import {slashCommands} from '../source/auth/routing/slash-command.ts';
import {type CommandSpec, commandTable} from '../source/commands/table.ts';
import {errorTable} from '../source/errors.ts';
import {keymap, keyName, type Scope, scopeTitles} from '../source/keymap.ts';
import {decodeConfig} from '../source/store/config.ts';

/**
 * Writes the parts of the docs that are made from the program's own tables, between
 * `<!-- made from … -->` and `<!-- end -->`. With `--check` it writes nothing and fails on a difference.
 */

const parts: Readonly<Record<string, () => string>> = {
	'the keymap': keys,
	'the commands': commands,
	'the errors': errors,
	'the slash commands': slashes,
	'the providers': providers,
};

const check = process.argv.includes('--check');
let stale = false;
for (const name of ['keys', 'commands', 'errors', 'sessions', 'providers']) {
	const file = resolve(import.meta.dirname, `../docs/${name}.md`);
	const text = await readFile(file, 'utf8');
	const made = text.replace(
		/<!-- made from (.+?) -->\n[\s\S]*?<!-- end -->/g,
		(_, source: string) => `<!-- made from ${source} -->\n\n${parts[source]?.() ?? ''}\n\n<!-- end -->`,
	);
	if (made === text) continue;
	stale = true;
	if (check) console.error(`docs/${name}.md is not what the program's tables say: npm run docs`);
	else await writeFile(file, made);
}
if (check && stale) process.exitCode = 1;

function keys(): string {
	return (Object.keys(scopeTitles) as Scope[])
		.map(scope => {
			const rows = keymap
				.filter(binding => binding.scope === scope)
				.map(
					binding =>
						`| ${binding.keys.map(key => `\`${keyName(key)}\``).join(' ')} | ${cell(binding.help)} |`,
				);
			return [`### ${scopeTitles[scope]}`, '', '| key | what it does |', '|---|---|', ...rows].join('\n');
		})
		.join('\n\n');
}

function commands(): string {
	return commandTable
		.map(spec => {
			const flags = spec.flags.map(flag => {
				const usage = `--${flag.name}${flag.value ? ` <${flag.value}>` : ''}`;
				return `| \`${usage}\` | ${cell(flag.help)}${flag.required ? ' (required)' : ''} |`;
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

function slashes(): string {
	const rows = slashCommands.map(
		({usage, help}) => `| ${usage.map(text => `\`${text}\``).join(', ')} | ${cell(help)} |`,
	);
	return ['| command | what it does |', '|---|---|', ...rows].join('\n');
}

function providers(): string {
	const rows = [...providersFrom(decodeConfig({}), []).values()].map(provider => {
		const {id, label, aliases = [], auth, env = []} = provider;
		const methods = [...new Set(auth.map(({method}) => method))];
		const made = [...new Set(auth.flatMap(method => (isSecretMethod(method) ? (method.madeAt ?? []) : [])))];
		const places = made.map(place => (URL.canParse(place) ? `<${place}>` : `\`${place}\``));
		const names = [id, label, codes(aliases), codes(methods), codes(env), places.join(', ')];
		return `| ${names.map((name, index) => (index === 0 ? `\`${name}\`` : name)).join(' | ')} |`;
	});
	const head = ['id', 'label', 'aliases', 'methods', 'variables', 'where the secret is made'];
	return [`| ${head.join(' | ')} |`, `|${head.map(() => '---|').join('')}`, ...rows].join('\n');
}

function codes(names: readonly string[]): string {
	return names.map(name => `\`${name}\``).join(', ');
}

function usageOf({path, arguments: words}: CommandSpec): string {
	return ['jarvis', ...path, ...words.map(word => `<${word.name}>${word.variadic ? '…' : ''}`)].join(' ');
}

function capital(text: string): string {
	return text.charAt(0).toUpperCase() + text.slice(1);
}

function cell(text: string): string {
	return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
