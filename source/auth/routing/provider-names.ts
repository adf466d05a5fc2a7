import type {Config} from '../../store/config.ts';

/**
 * Providers by any of their names, where people write them beside `--provider`: in references to models, and
 * as keys of `auth.order`. Whoever reads those afterwards meets ids alone.
 */

/** The words that stand for providers in a reference to a model: before its `/`, and in a profile id. */
export function providerWordsOf(ref: string): string[] {
	const slash = ref.indexOf('/');
	const model = slash < 1 ? [] : [ref.slice(0, slash).trim()];
	const ids = ref.split('@').slice(1);
	return [...model, ...ids.flatMap(id => (id.indexOf(':') < 1 ? [] : [id.slice(0, id.indexOf(':')).trim()]))];
}

/** The words that stand for providers in the order and the profiles of a configuration. */
export function orderWordsOf({order, profiles}: Config): string[] {
	return [...order.keys(), ...profiles.values()];
}

/** All words that stand for providers in a configuration. */
export function configWordsOf(config: Config): string[] {
	const {configured, aliases} = config.models;
	return [...orderWordsOf(config), ...[...configured, ...aliases.values()].flatMap(providerWordsOf)];
}

/**
 * A configuration in which providers go by their ids.
 * @param words those that may be another name, beside the configuration's own if they matter
 * @param isId tells of what surely is an id: that of a stored profile needs no looking up
 * @param idOf finds the id by any name, and gives the name back where nothing has it
 */
export async function withProviderIds(
	config: Config,
	words: readonly string[],
	isId: (word: string) => boolean,
	idOf: (word: string) => Promise<string>,
): Promise<Config> {
	const ids = new Map<string, string>();
	for (const word of new Set(words)) {
		const id = isId(word) ? word : await idOf(word);
		if (id !== word) ids.set(word, id);
	}
	return ids.size === 0 ? config : renamed(config, ids);
}

/** The same configuration, with ids in the place of other names. */
export function renamed(config: Config, ids: ReadonlyMap<string, string>): Config {
	const {models, order, profiles} = config;
	const idOf = (word: string) => ids.get(word) ?? word;
	const model = (ref: string) => {
		const slash = ref.indexOf('/');
		return slash < 1 ? ref : `${idOf(ref.slice(0, slash).trim())}${ref.slice(slash)}`;
	};
	// What stands there under the id itself counts, else the first other name.
	const orders = new Map([...order].filter(([word]) => idOf(word) === word));
	for (const [word, list] of order) if (!orders.has(idOf(word))) orders.set(idOf(word), list);
	return {
		...config,
		order: orders,
		profiles: new Map([...profiles].map(([id, word]) => [id, idOf(word)])),
		models: {
			...models,
			...(models.primary === undefined ? {} : {primary: model(models.primary)}),
			fallbacks: models.fallbacks.map(model),
			aliases: new Map([...models.aliases].map(([alias, ref]) => [alias, model(ref)])),
			configured: [...new Set(models.configured.map(model))],
			providerIds: new Map([...(models.providerIds ?? []), ...ids]),
		},
	};
}
