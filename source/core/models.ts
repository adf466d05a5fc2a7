import type {ListedModel} from '../auth/routing/models.ts';
import {JarvisError} from '../errors.ts';
import {type Config, type ConfigEdit, type ModelConfig, readConfig, updateConfig} from '../store/config.ts';
import type {JsonObject} from '../store/json.ts';
import {optional} from '../store/schema.ts';
import type {World} from './world.ts';

/** The models that all agents have: the primary one, those that stand behind it, and other names of them. */
export function modelsOf({paths, record, providersOnce, providerIdAmong, providerNamed}: World) {
	const rules = () => import('../auth/routing/models.ts');
	const aliases = () => import('../auth/routing/aliases.ts');
	const edits = () => import('../store/model-edits.ts');

	/** Looks ids up by any names; the files that declare providers are read once for all of them. */
	function idsOnce(): (name: string) => Promise<string> {
		const listed = providersOnce();
		return name => providerIdAmong(listed, name);
	}

	/** The models as they are written, with their providers by their ids. */
	async function written(idOf = idsOnce()): Promise<ModelConfig> {
		const [{configWordsOf, withProviderIds}, config] = await Promise.all([
			import('../auth/routing/provider-names.ts'),
			readConfig(paths),
		]);
		return (await withProviderIds(config, configWordsOf(config), () => false, idOf)).models;
	}

	/** The model that a person means, and the model of a reference as it stands in the file, told the same way. */
	async function meant(text: string) {
		const idOf = idsOnce();
		const [{modelMeant}, {fullName}, models] = await Promise.all([
			rules(),
			import('../auth/routing/decision.ts'),
			written(idOf),
		]);
		return {
			name: await modelMeant(text, models, idOf, async word => (await providerNamed(word)) !== undefined),
			nameOf: (ref: string, {aliases}: ModelConfig) =>
				fullName(ref, {aliases, ...optional('providerIds', models.providerIds)}),
		};
	}

	async function change(
		makeEdits: (config: Config, document: JsonObject) => readonly ConfigEdit[],
		note: string,
	) {
		let changed = false;
		await updateConfig(paths, (config, document) => {
			const made = makeEdits(config, document);
			changed = made.length > 0;
			return made;
		});
		if (changed) record('models_changed', {note});
		return changed;
	}

	return {
		/** Every model that is configured. Throws as `readConfig` does. */
		async models(): Promise<ListedModel[]> {
			const {listModels} = await rules();
			return listModels(await written());
		},

		/** Makes a model the primary one, and returns it. Throws as `modelMeant` and `updateConfig` do. */
		async setPrimaryModel(text: string): Promise<string> {
			const [{primaryEdits}, {name}] = await Promise.all([edits(), meant(text)]);
			await change((_, document) => primaryEdits(document, name), `${name} is the primary one`);
			return name;
		},

		/**
		 * Puts a model behind the other fallbacks. Throws as `modelMeant` and `updateConfig` do.
		 * @returns the model, and whether it was none before
		 */
		async addFallback(text: string): Promise<{readonly name: string; readonly added: boolean}> {
			const [{fallbackEdits}, {name, nameOf}] = await Promise.all([edits(), meant(text)]);
			const added = await change(
				({models}, document) =>
					models.fallbacks.some(ref => nameOf(ref, models) === name) ? [] : fallbackEdits(document, name),
				`${name} is a fallback`,
			);
			return {name, added};
		},

		/** Takes a model from the fallbacks, and returns it. Throws `model_not_listed`, and as `addFallback` does. */
		async removeFallback(text: string): Promise<string> {
			const {fallbackRemovals} = await edits();
			// What is of no use, since it names no provider, can be removed as it is written.
			const known = await meant(text).catch(() => undefined);
			const name = known?.name ?? text.trim();
			await change(({models}, document) => {
				const isMeant = (ref: string) => ref === text.trim() || known?.nameOf(ref, models) === name;
				const made = fallbackRemovals(document, isMeant);
				if (made.length > 0) return made;
				throw notListed(`${name} is none of the fallbacks.`, 'jarvis models fallbacks list');
			}, `${name} is no fallback`);
			return name;
		},

		/** Takes all fallbacks away, and returns how many. Throws as `updateConfig` does. */
		async clearFallbacks(): Promise<number> {
			const {fallbackRemovals} = await edits();
			let count = 0;
			await change((_, document) => {
				const made = fallbackRemovals(document, () => true);
				count = made.length;
				return made;
			}, 'no fallbacks');
			return count;
		},

		/**
		 * Gives a model another name, in the place of the one that it has. Throws `usage` for what can be no alias,
		 * `model_alias_taken` for that of another model, and as `modelMeant` and `updateConfig` do.
		 * @returns the model, and the alias that it had before, if another one
		 */
		async addModelAlias(
			alias: string,
			text: string,
		): Promise<{readonly name: string; readonly before?: string}> {
			const [{aliasEdits, spelledOut}, {aliasEntry}, {assertAlias}] = await Promise.all([
				edits(),
				aliases(),
				rules(),
			]);
			assertAlias(alias);
			const {name, nameOf} = await meant(text);
			let before: string | undefined;
			await change(({models}, document) => {
				const present = aliasEntry(alias, models);
				if (present && nameOf(present.ref, models) !== name) throw aliasTaken(present);
				const known = [...models.aliases].find(([, ref]) => nameOf(ref, models) === name);
				before = known?.[0];
				if (before === alias) return [];
				const named = before === undefined ? [] : spelledOut(document, before, name);
				return [...named, ...aliasEdits(known?.[1] ?? name, alias)];
			}, `${alias} is ${name}`);
			return {name, ...(before === undefined || before === alias ? {} : {before})};
		},

		/** Takes an alias away, and returns the model that it was of. Throws `model_not_listed`, and as above. */
		async removeModelAlias(alias: string): Promise<string> {
			const [{aliasRemoval, spelledOut}, {aliasEntry}] = await Promise.all([edits(), aliases()]);
			let ref = '';
			await change(({models}, document) => {
				const present = aliasEntry(alias, models);
				if (!present) throw notListed(`${JSON.stringify(alias)} is no alias.`, 'jarvis models aliases list');
				ref = present.ref;
				return [...spelledOut(document, present.alias, ref), ...aliasRemoval(document, ref)];
			}, `${alias} is no alias`);
			return ref;
		},
	};
}

function aliasTaken({alias, ref}: {readonly alias: string; readonly ref: string}): JarvisError {
	return new JarvisError(
		'model_alias_taken',
		`${alias} is an alias of ${ref} already. Nothing was changed.`,
		`Take it away first: jarvis models aliases remove ${alias}`,
	);
}

function notListed(message: string, command: string): JarvisError {
	return new JarvisError('model_not_listed', `${message} Nothing was changed.`, `See: ${command}`);
}
