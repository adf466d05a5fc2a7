import {JarvisError} from '../../errors.ts';
import type {ModelConfig} from '../../store/config.ts';
import {isVisible} from '../../store/paths.ts';
import {optional} from '../../store/schema.ts';
import {aliasEntry} from './aliases.ts';
import {fullName, namedModel} from './decision.ts';
import {slashCommands} from './slash-command.ts';

/** A model that `jarvis.json` names, and what it is used as. */
export interface ListedModel {
	/** `provider/model`, or what is written where that names no provider. */
	readonly name: string;
	/** Absent where it names none, and so is of no use. */
	readonly provider?: string;
	readonly aliases: readonly string[];
	readonly isPrimary: boolean;
	/** Its turn among the fallbacks, from 1. */
	readonly fallback?: number;
}

/** Every model that is configured, each once: the primary one, the fallbacks by their turn, and the rest. */
export function listModels(models: ModelConfig): ListedModel[] {
	const nameOf = (ref: string) => fullName(ref, models) ?? ref;
	const fallbacks = models.fallbacks.map(nameOf);
	const primary = models.primary === undefined ? undefined : nameOf(models.primary);
	return [...new Set(models.configured.map(nameOf))].map(name => {
		const turn = fallbacks.indexOf(name) + 1;
		return {
			name,
			...optional('provider', namedModel(name, models)?.provider),
			aliases: [...models.aliases].flatMap(([alias, ref]) => (nameOf(ref) === name ? [alias] : [])),
			isPrimary: name === primary,
			...optional('fallback', turn === 0 ? undefined : turn),
		};
	});
}

/**
 * The `provider/model` that a person means: an alias, both parts, or a model of the primary one's provider.
 * @param providerIdOf the id of a provider by any of its names
 * @param isProvider whether a provider has the name: that alone is no model of the primary one's provider
 * @throws `usage` for what can be no model, `model_unknown` where no provider is named
 */
export async function modelMeant(
	text: string,
	models: ModelConfig,
	providerIdOf: (name: string) => Promise<string>,
	isProvider: (name: string) => Promise<boolean>,
): Promise<string> {
	const ref = text.trim();
	const parts = /^([^/]*)\/(.+)$/.exec(ref);
	if (ref === '' || !isVisible(ref) || /\s/.test(ref) || parts?.[1] === '' || ref.endsWith('/')) {
		throw new JarvisError('usage', `${JSON.stringify(text)} can be no model.`, form);
	}
	const [, provider = '', model = ''] = parts ?? [];
	const aliased = isAlias(ref, models) ? fullName(ref, models) : undefined;
	if (aliased !== undefined) return aliased;
	if (provider !== '') return `${await providerIdOf(provider)}/${model}`;
	if (await isProvider(ref))
		throw new JarvisError(
			'usage',
			`${ref} is a provider, and no model.`,
			`Name a model of it: ${ref}/<model>`,
		);
	const primary = models.primary === undefined ? undefined : namedModel(models.primary, models);
	if (primary) return `${primary.provider}/${ref}`;
	throw new JarvisError(
		'model_unknown',
		`${ref} is no alias, and names no provider; there is no primary model that would.`,
		form,
	);
}

/**
 * Checks that a text can be an alias: one word that `/model` does not take for something else.
 * @throws `usage`
 */
export function assertAlias(alias: string): void {
	const words = slashCommands.flatMap(command => command.words ?? []);
	if (/^[^\s/@]{1,64}$/.test(alias) && isVisible(alias) && !words.includes(alias.toLowerCase())) return;
	const taken = words.filter(word => word !== '').join(', ');
	throw new JarvisError(
		'usage',
		`${JSON.stringify(alias)} can be no alias.`,
		`Use one word of up to 64 characters without / and @, and none of ${taken}.`,
	);
}

function isAlias(text: string, models: ModelConfig): boolean {
	return aliasEntry(text, models) !== undefined;
}

const form = 'Write an alias or provider/model, for example anthropic/opus.';
