# ruff: noqa: D100, E402
# What `python tools/notebooks.py` makes the notebooks of: the format stands there. Edit them here alone.

# %% [es]
# # Emoción en la voz y en la palabra: el estudio completo
#
# Este cuaderno cuenta el estudio de principio a fin con los verbos públicos de `sentir`: lee MELD (una emoción
# por enunciado) y CMU-MOSEI (varias a la vez), los limpia, compara modelos de texto, ajusta el mejor, usa
# sus probabilidades *fuera de pliegue* en los modelos de audio, y compara al final texto, audio y ambos.
#
# Todo se elige en *dev*. La partición de *test* está sellada: la abre una sola vez, al final, el estudio de
# cierre, y un registro cuenta cuántas veces se ha abierto. Los números entre corchetes son intervalos del 95 %,
# por remuestreo de diálogos enteros.

# %% [en]
# # Emotion in what is said and how: the complete study
#
# This notebook tells the study from beginning to end with the public verbs of `sentir`: it reads MELD (one
# emotion per utterance) and CMU-MOSEI (several at once), cleans them, compares text models, tunes the best,
# uses its *out-of-fold* probabilities in the audio models, and compares text, audio and both at the end.
#
# Everything is chosen on *dev*. The *test* split is sealed: the closing study alone opens it, once, and a
# ledger counts how often it was opened. Numbers in brackets are 95 % intervals, from resampling whole
# dialogues.

# %% [es]
# ## 0. Preparación
#
# La primera celda instala `sentir` si falta, sin cambiar el PyTorch que haya, y no hace nada si ya está. En
# Kaggle basta con adjuntar el código de Sentir como *dataset*, con esta carpeta dentro.

# %% [en]
# ## 0. Set-up
#
# The first cell installs `sentir` where it is missing, without changing the PyTorch that is there, and does
# nothing otherwise. On Kaggle attach Sentir's code as a data set, with this folder in it.

# %%
import importlib.util
import logging
import os
import subprocess
import sys
import tempfile
import warnings
from importlib import metadata
from pathlib import Path

local_paths = [place / "notebooks/utils.py" for place in (Path.cwd(), *Path.cwd().parents)]
attached = [Path("/kaggle/input").glob(f"{'*/' * depth}notebooks/utils.py") for depth in range(1, 5)]
repository_paths = [path.parents[1] for paths in (local_paths, *attached) for path in paths if path.is_file()]
if not repository_paths:
    raise FileNotFoundError("Sentir's code was not found: run this in its folder, or attach it on Kaggle.")
HOME = repository_paths[0]

if importlib.util.find_spec("sentir") is None:
    kept = ("torch", "torchvision", "torchaudio", "numpy")
    pins = [f"{name}=={metadata.version(name)}" for name in kept if importlib.util.find_spec(name)]
    constraints = Path(tempfile.mkdtemp()) / "constraints.txt"
    constraints.write_text("\n".join(pins))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--constraint", str(constraints)]
    subprocess.run([*command, f"{HOME}[offline,explain]"], check=True)
    importlib.invalidate_caches()

# %% [es]
# **El único ajuste.** `demo` usa dos corpus sintéticos que vienen incluidos y hablan: enseñan que todo
# funciona, y no dicen nada del habla real. `quick` es un estudio corto y `full` el completo sobre los corpus
# reales, que se buscan solos en `/kaggle/input`, o en la carpeta que diga `SENTIR_DATA`, cada uno en una
# subcarpeta; el que no se encuentre se sustituye por el sintético. Si hay GPU, se usa.

# %% [en]
# **The one setting.** `demo` uses two synthetic corpora that are built in and speak: they show that everything
# works, and say nothing about real speech. `quick` is a short study and `full` the complete one on the real
# corpora, which are looked for in `/kaggle/input`, or in the folder that `SENTIR_DATA` names, each in a folder
# of its own; one that is not found is replaced by the synthetic one. A GPU is used where there is one.

# %%
MODE = os.environ.get("SENTIR_NOTEBOOK", "demo")  # demo, quick, full (and smoke, for tests)
ACCEPT_GRADE = MODE == "smoke"  # True: a corpus that the audit grades D or E is studied all the same
OPEN_TEST = os.environ.get("SENTIR_NOTEBOOK_TEST", "open") == "open"  # False: everything ends on dev
LANGUAGE = "es"
RUNS = Path(os.environ.get("SENTIR_NOTEBOOK_RUNS", "runs/notebook")) / MODE

SMALL = {"backbone": "mobilenetv3_small_050", "pretrained": False, "max_seconds": 3}
LARGE = {"backbone": "efficientnet_b0", "pretrained": True, "max_seconds": 8}
TINY = {"backbone": "test_efficientnet.r160_in1k", "pretrained": False, "max_seconds": 1}
columns = ("audio", "epochs", "audio_epochs", "trials", "audio_trials", "folds", "resamples", "seeds")
SIZES = {
    "smoke": (TINY, 1, 1, 2, 1, 2, 100, [0]),
    "demo": (SMALL, 10, 4, 8, 2, 3, 500, [0]),
    "quick": (SMALL, 10, 5, 12, 3, 3, 500, [0]),
    "full": (LARGE, 20, 20, 40, 12, 5, 2000, [0, 1, 2]),
}
SIZE = dict(zip(columns, SIZES[MODE], strict=True))
warnings.filterwarnings("ignore", message="IProgress")  # a progress bar that nobody needs here
logging.getLogger("transformers").setLevel(logging.ERROR)

# %%
# %matplotlib inline
sys.path.insert(0, str(HOME / "notebooks"))

import pandas as pd
import utils as u
from IPython.display import Audio, Markdown, display

u.set_language(LANGUAGE)
pd.set_option("display.max_colwidth", 120)

NO_AUDIO = {
    "es": "*{name}* no tiene clips: se omite su parte de audio.",
    "en": "*{name}* has no clips: its audio part is skipped.",
}[LANGUAGE]

# %% [es]
# ## 1. Lectura de los corpus
#
# Un lector por corpus reconoce la disposición de sus carpetas. Las etiquetas de *test* quedan selladas: ninguna
# tabla de este cuaderno las muestra.

# %% [en]
# ## 1. Reading the corpora
#
# A reader for each corpus recognizes how its folders are laid out. The labels of *test* are sealed: no table of
# this notebook shows them.

# %%
demo = {name: u.Data(reader=f"demo-{name}", audio=True) for name in ("meld", "mosei")}
found = demo if MODE == "demo" else demo | u.find_corpora(Path(os.environ.get("SENTIR_DATA", "/kaggle/input")))
corpora = {name: u.read_corpus(data) for name, data in found.items()}
with_audio = [name for name, corpus in corpora.items() if any(x.clip for x in corpus)]

for name, corpus in corpora.items():
    display(Markdown(f"### {corpus.name}"), *[Markdown(x.message) for x in corpus.issues if x.kind == "layout_recognized"])
    display(to_frame(corpus).groupby("split", sort=False)[["id", "dialogue", "speaker"]].nunique())
    display(to_frame(corpus)[["id", "speaker", "text", "emotion", "sentiment"]].head(4))
    if name not in with_audio:
        display(Markdown(NO_AUDIO.format(name=corpus.name)))

# %% [es]
# La auditoría escucha cada clip una vez, cuenta, y busca defectos y fugas entre particiones. No cambia nada.

# %% [en]
# The audit listens to each clip once, counts, and looks for defects and for leaks between splits. It changes
# nothing.

# %%
for name, corpus in corpora.items():
    audit = u.audit(corpus, u.hear_corpus(corpus) if name in with_audio else None)
    display(Markdown(f"### {corpus.name}: {audit.grade}"))
    display(Markdown("\n".join(f"- {finding.message}" for finding in audit.findings)))

# %% [es]
# ## 2. Limpieza
#
# La limpieza son pasos con nombre. Abajo, los de la tesis sobre todos los textos: cuántos cambia cada paso,
# cuántos deja sin ninguna palabra, y un texto a través de todos. Por defecto solo se repara (codificación,
# ruidos, espacios), y ningún paso elimina un enunciado.

# %% [en]
# ## 2. Cleaning
#
# Cleaning is a list of named steps. Below, those of the thesis on all texts: how many each step changes, how
# many it leaves without a word, and one text through all of them. By default texts are only repaired (encoding,
# noises, white space), and no step removes an utterance.

# %%
for corpus in corpora.values():
    cleaned = u.clean_corpus(corpus, ["thesis"], examples=1)
    display(Markdown(f"### {corpus.name}"), u.cleaning_frame(cleaned))

# %% [es]
# ## 3. Normalización de emociones y sentimientos
#
# Cada corpus llama a las cosas a su manera; aquí tienen un solo nombre. En MOSEI una emoción está presente si
# su intensidad es mayor que 0, y el sentimiento tiene tres clases por su signo. Seis ceros son una respuesta
# válida: ninguna.

# %% [en]
# ## 3. Normalization of emotions and sentiment
#
# Each corpus has its own words for things; here they have one name. In MOSEI an emotion is present where its
# intensity is above 0, and sentiment has three classes by its sign. Six zeros are a valid answer: none of them.

# %%
raw_labels = ("Happy", "happiness", "sad", "Anger", "surprised", "FEAR")
display(pd.DataFrame({"emotion": {name: u.normalize_emotion(name) for name in raw_labels}}))
display(pd.DataFrame({"sentiment": {str(x): u.normalize_sentiment(x) for x in (-2.33, 0.0, 0.33, "Negative")}}))
for corpus in corpora.values():
    spaces = [(task, space.kind, ", ".join(space.names)) for task, space in corpus.label_spaces.items()]
    display(Markdown(f"### {corpus.name}"), pd.DataFrame(spaces, columns=["task", "kind", "names"]))

# %% [es]
# ## 4. Qué cuesta cada paso del preprocesamiento
#
# La misma bolsa de palabras, entrenada con el texto crudo y con el texto limpio hasta cada paso, en *dev*. Las
# diferencias son emparejadas; en gris, las que pueden ser 0.

# %% [en]
# ## 4. What each step of preprocessing costs
#
# The same bag of words, trained on the raw text and on the text cleaned up to each step, on *dev*. Differences
# are paired; gray are those that may be 0.

# %%
bases = {}
for name, data in found.items():
    recipe = u.load_recipe(HOME / "recipes" / ("demo-" * data.reader.startswith("demo-") + f"{name}.toml"))
    heard = {"mel": "thesis" if data.reader == "final_specs" else "mel"} | SIZE["audio"]
    bases[name] = u.Recipe.parse(recipe.to_dict() | {"study": {}, "data": data.model_dump(mode="json")}).override(
        {
            "model": {"audio": heard},
            "train": {"epochs": SIZE["epochs"]},
            "evaluation": {"resamples": SIZE["resamples"], "permutations": SIZE["resamples"]},
        }
    )

for name, corpus in corpora.items():
    costs = u.weigh_cleaning(bases[name], corpus, ["thesis"])
    display(Markdown(f"### {corpus.name}"), u.score_frame(costs.scores, costs.metric, max_metrics=2))
    display(u.differences_figure(costs.comparisons))

# %% [es]
# ## 5. Equilibrio de clases
#
# Proporción de enunciados de *train* y *dev* con cada etiqueta, y su duración.

# %% [en]
# ## 5. Class balance
#
# Share of the utterances of *train* and *dev* that carry each label, and how long they are.

# %%
for name, corpus in corpora.items():
    card = u.corpus_card(corpus, mel_kind=bases[name].model.audio.mel)
    display(Markdown(f"### {corpus.name}"), u.label_figure(card, "emotion"), u.label_figure(card, "sentiment"))
    if card.durations:
        display(u.spread_figure(card.durations))

# %% [es]
# ## 6. Características numéricas y su importancia
#
# Las características se calculan de enunciados *sin etiquetas*: ninguna puede mirar lo que hay que
# predecir. Su importancia es lo que pierde en *dev* un modelo de texto que las usa cuando se barajan, en
# conjuntos y una a una.

# %% [en]
# ## 6. Numeric features and their importance
#
# Features are computed from utterances *without labels*: none can look at what is to be predicted. Their
# importance is what a text model that uses them loses on *dev* when they are shuffled, in sets and one by one.

# %%
for name, corpus in corpora.items():
    numbers = [
        "lexical",
        "dialogue",
        "thesis" if bases[name].model.audio.mel == "mel" and name in with_audio else "tabular",
    ]
    table = u.compute_features(numbers, corpus.train)
    display(Markdown(f"### {corpus.name}"))
    display(pd.DataFrame(table.values, columns=table.names).describe().T[["mean", "std", "min", "max"]].round(3))

    recipe = bases[name].override({"model": {"context": "dialogue", "features": numbers}})
    explained = u.explain_model(u.Recognizer.fit(recipe, corpus)[0])
    display(u.importance_figure(explained.feature_sets, explained.metric))
    display(u.importance_figure(explained.columns[:12], explained.metric))

# %% [es]
# ## 7. Espectrogramas
#
# Arriba, el mel de Sentir (64 bandas, 100 tramas por segundo, decibelios contra una referencia fija: la
# intensidad de la voz se conserva). Debajo, la imagen de 224 × 224 de la tesis: cuatro segundos y decibelios
# contra el máximo del archivo.

# %% [en]
# ## 7. Spectrograms
#
# First Sentir's mel (64 bands, 100 frames a second, decibels against a fixed reference: loudness is kept).
# Below it the thesis' picture of 224 by 224: four seconds, and decibels against the maximum of the file.

# %%
for name in with_audio:
    display(Markdown(f"### {corpora[name].name}"))
    kinds = ["mel", "thesis"] if bases[name].model.audio.mel == "mel" else ["thesis"]
    for label in ("anger", "sadness"):
        clips = [x for x in corpora[name].by_label("emotion", "dev")[label] if x.clip][:9]
        chosen = [x for x in u.listen(clips, mel_kind=kinds[0]) if x.audio.mel is not None][:1]
        for x in [x for kind in kinds for x in u.listen(chosen, mel_kind=kind)]:
            display(u.spectrogram_figure(x.audio, f"{label}: {x.text}"))
        display(*[Audio(u.decode(x.clip).waveform, rate=u.RATE) for x in chosen if "mel" in kinds])

# %% [es]
# ## 8. Modelos de texto, unos frente a otros
#
# Un estudio por corpus, en sentimiento y en emoción, que termina en *dev*: *test* sigue cerrado. El codificador
# está congelado: cada texto se codifica una vez y solo aprende la cabeza. En `full` compiten también los
# modelos de la tesis.

# %% [en]
# ## 8. Text models against one another
#
# A study for each corpus, of sentiment and of emotion, that ends on *dev*: *test* stays closed. The encoder is
# frozen: each text is encoded once, and only the head learns. In `full` the thesis' models compete, too.

# %%
TEXT_MODELS = {
    "minilm": {"model": {"context": "none"}},
    "minilm + dialogue": {"model": {"context": "dialogue"}},
    "minilm + dialogue + numbers": {"model": {"context": "dialogue", "features": ["dialogue", "lexical"]}},
}
if MODE == "full":
    for backbone in (
        "bert-base-uncased",
        "roberta-base",
        "twitter-roberta-base-sentiment",
        "bertweet-base-sentiment-analysis",
        "xlnet-base-cased",
    ):
        TEXT_MODELS[backbone] = {"model": {"backbone": backbone, "context": "dialogue", "layers": [4, 8, 12]}}

text_studies = {}
for name, base in bases.items():
    study = {"tasks": ["sentiment", "emotion"], "candidates": TEXT_MODELS, "seeds": SIZE["seeds"], "test": False}
    text_studies[name] = u.run_study(
        [u.Recipe.parse(base.to_dict() | {"study": study})], out=RUNS / name / "text", accept_grade=ACCEPT_GRADE
    )
    for section in u.sections(text_studies[name]):
        display(Markdown(f"### {corpora[name].name}, {section.task}"), u.score_frame(section.dev, section.metric))
        display(u.scores_figure(section.dev, section.metric))
        display(u.curves_figure(section.curves, section.metric, selected=section.selected))
        display(Markdown("\n".join(f"- {comparison.sentence()}" for comparison in section.comparisons)))

# %% [es]
# ## 9. Ajuste del mejor modelo de texto
#
# El ganador en sentimiento, con otros ajustes de su cabeza. La mejor puntuación de muchas en el mismo *dev*
# está halagada, y cuanto más se prueba, más; la frase de abajo lo dice con sus números.

# %% [en]
# ## 9. Tuning the best text model
#
# The winner in sentiment, with other settings of its head. The best score of many on the same *dev* is
# flattered, the more so the more are tried; the sentence below says it with its numbers.

# %%
TEXT_SPACE = {
    "train.lr": {"low": 3e-4, "high": 1e-2, "log": True},
    "train.class_weights": {"choices": ["none", "sqrt", "inverse"]},
    "model.hidden_size": {"choices": [64, 128, 256]},
    "model.dropout": {"low": 0.2, "high": 0.7},
}
tuned_text = {}
for name, base in bases.items():
    corpus = corpora[name]
    winner = TEXT_MODELS[text_studies[name].best_per_family[corpus.name, "sentiment"][0]]
    tune = {
        "data": {"task": "sentiment"},
        "tune": {"trials": SIZE["trials"], "pruner": "none", "space": TEXT_SPACE},
    }
    tuned = u.tune(base.override(winner).override(tune), out=RUNS / name / "tune-text")
    tuned_text[name] = tuned.recipe
    display(Markdown(f"### {corpus.name}"), Markdown("\n".join(f"- {x}" for x in u.tuning_sentences(tuned))))
    display(tuned.to_frame().sort_values("score", ascending=False).head(5), u.history_figure(tuned))
    if tuned.param_importances:
        display(u.settings_figure(tuned.param_importances))

# %% [es]
# ## 10. Evaluación del modelo de texto
#
# En *dev*: la puntuación, la matriz de confusión, si sus probabilidades son de fiar, dónde acierta y dónde no,
# los errores de los que está más seguro, y qué palabras pesan en el primero de ellos.

# %% [en]
# ## 10. Evaluation of the text model
#
# On *dev*: the score, the confusion matrix, whether its probabilities can be trusted, where it is good and
# where not, the errors it is surest of, and which words weigh in the first of them.

# %%
for name, recipe in tuned_text.items():
    folder = RUNS / name / "models" / "text"
    model, _scores = u.train(recipe, out=folder)
    scores, details = u.examine(folder)
    metric = next(iter(scores.metrics))
    display(Markdown(f"### {corpora[name].name}"), u.score_frame([scores], metric), u.confusion_figure(scores))
    display(u.reliability_figure(details.reliability), u.slice_frame(details.slices))
    display(u.mistake_frame(details.hardest_examples[:5]))
    for mistake in details.hardest_examples[:1]:
        why = u.explain(model, text=mistake.text)
        parts = [(part.text, round(part.value, 2)) for passage in why.words.passages for part in passage.words]
        display(Markdown(f"**{why.label}**"), pd.DataFrame(parts, columns=["word", "value"]).set_index("word").T)

# %% [es]
# ## 11. Probabilidades fuera de pliegue
#
# Un modelo que escucha puede usar lo que el de texto opina. Pero sobre *train* el de texto opina de lo que ya
# aprendió: sus probabilidades serían mucho mejores que en cualquier otro sitio. Por eso cada diálogo de *train*
# lo predice un modelo que no lo vio. La tabla compara ambas cosas: la diferencia entre las dos primeras filas
# es el engaño que así se evita.

# %% [en]
# ## 11. Out-of-fold probabilities
#
# A model that listens can use what the text model thinks. But on *train* the text model speaks of what it has
# learned: its probabilities would be much better there than anywhere else. So each dialogue of *train* is
# predicted by a model that did not see it. The table has both: the difference of the first two rows is the
# deception that is avoided.

# %%
for name, recipe in tuned_text.items():
    corpus, space = corpora[name], corpora[name].label_space("sentiment")
    crossed = u.cross_predict(recipe, corpus, SIZE["folds"])
    blind = crossed.full_model.predict_utterances(corpus.train)
    rows = []
    for what, split, predicted in (
        ("train, in sample", corpus.train, blind),
        ("train, out of fold", corpus.train, crossed.predictions),
        ("dev", corpus.dev, crossed.predictions),
    ):
        truth = space.encode([x.labels["sentiment"] for x in split])
        rows.append({"": what} | u.score(space, truth, predicted.select([x.id for x in split]).probabilities))
    folds = pd.Series({x.dialogue: crossed.folds[x.id] for x in corpus.train}, name="dialogues").value_counts()
    display(Markdown(f"### {corpus.name}"), pd.DataFrame(rows).set_index("").round(3))
    display(folds.sort_index().rename_axis("fold").to_frame())

# %% [es]
# ## 12. Modelos de audio, unos frente a otros
#
# Escuchan el espectrograma, solo o con medidas acústicas. En *dev*, y en emoción.

# %% [en]
# ## 12. Audio models against one another
#
# They hear the spectrogram, alone or with acoustic measures. On *dev*, and of emotion.

# %%
AUDIO_TRAINING = {
    "epochs": SIZE["audio_epochs"],
    "batch_size": 32,
    "lr": 1e-3 if SIZE["audio"]["pretrained"] else 3e-3,
    "augment": {"masks": 1, "gain_db": 3.0, "shift_seconds": 0.2},
}
AUDIO_MODELS = {
    "spectrogram": {"model": {"kind": "emotion_model"}, "train": AUDIO_TRAINING},
    "spectrogram, weighted": {"model": {"kind": "emotion_model"}, "train": AUDIO_TRAINING | {"class_weights": "sqrt"}},
    "spectrogram + functionals": {
        "model": {"kind": "emotion_model", "features": ["functionals"]},
        "train": AUDIO_TRAINING,
    },
}
if MODE == "full":
    AUDIO_MODELS["vgg16"] = {
        "model": {"kind": "emotion_model", "audio": {"backbone": "vgg16"}},
        "train": AUDIO_TRAINING,
    }

audio_studies = {}
for name in with_audio:
    pictures = bases[name].model.audio.mel == "thesis"  # nothing but the pictures is known of them
    known = {key: changes for key, changes in AUDIO_MODELS.items() if not (pictures and "functionals" in key)}
    baselines = ["majority"] if pictures else ["majority", "acoustic"]
    study = {"candidates": known, "baselines": baselines, "seeds": SIZE["seeds"], "test": False}
    audio_studies[name] = u.run_study(
        [u.Recipe.parse(bases[name].to_dict() | {"study": study})],
        out=RUNS / name / "audio",
        accept_grade=ACCEPT_GRADE,
    )
    for section in u.sections(audio_studies[name]):
        display(Markdown(f"### {corpora[name].name}"), u.score_frame(section.dev, section.metric))
        display(u.scores_figure(section.dev, section.metric))
        display(u.curves_figure(section.curves, section.metric, selected=section.selected))
        display(Markdown("\n".join(f"- {comparison.sentence()}" for comparison in section.comparisons)))

# %% [es]
# ## 13. Ajuste y evaluación del mejor modelo de audio
#
# Como con el texto. El mapa de abajo (Grad-CAM) enseña qué momentos y frecuencias hablan a favor de la emoción
# que da.

# %% [en]
# ## 13. Tuning and evaluation of the best audio model
#
# As with text. The map below (Grad-CAM) shows which times and frequencies speak for the emotion that it gives.

# %%
AUDIO_SPACE = {"train.lr": {"low": 1e-3, "high": 1e-2, "log": True}, "model.dropout": {"low": 0.2, "high": 0.6}}
tuned_audio = {}
for name in with_audio:
    corpus = corpora[name]
    winner = AUDIO_MODELS[audio_studies[name].best_per_family[corpus.name, "emotion"][0]]
    tune = {"tune": {"trials": SIZE["audio_trials"], "pruner": "none", "space": AUDIO_SPACE}}
    tuned = u.tune(bases[name].override(winner).override(tune), out=RUNS / name / "tune-audio")
    tuned_audio[name] = tuned.recipe
    display(Markdown(f"### {corpus.name}"), Markdown("\n".join(f"- {x}" for x in u.tuning_sentences(tuned))))
    display(u.history_figure(tuned))

    folder = RUNS / name / "models" / "audio"
    model, _scores = u.train(tuned.recipe, out=folder)
    scores, details = u.examine(folder)
    display(u.score_frame([scores], tuned.metric), u.reliability_figure(details.reliability))
    for x in [x for x in u.listen(corpus.dev, mel_kind=tuned.recipe.model.audio.mel) if x.audio.mel is not None][:1]:
        why = u.explain(model, x)
        display(Markdown(f"**{why.label}**: {x.text}"), u.sound_figure(why.audio, "evidence"))

# %% [es]
# ## 14. El estudio de cierre: texto, audio y ambos
#
# Los modelos ajustados, en emoción. ¿Qué aportan al audio las predicciones del modelo de texto? La comparación
# que lo dice es la de *sound* con *audio + the text's sentiment*: el mismo modelo, con y sin ellas, y siempre
# fuera de pliegue. Aquí se abre *test*, una sola vez por corpus.

# %% [en]
# ## 14. The closing study: text, audio and both
#
# The tuned models, of emotion. What do the text model's predictions add to the audio model? The comparison that
# says it is that of *sound* with *audio + the text's sentiment*: the same model, without and with them, always
# out of fold. Here *test* is opened, once for each corpus.

# %%
closing = {}
for name, base in bases.items():
    text = tuned_text[name].model_dump(mode="json", include={"model", "train"}, exclude_none=True)
    candidates = {"text": text}
    if name in with_audio:
        sound = tuned_audio[name].model_dump(mode="json", include={"model", "train"}, exclude_none=True)
        stacked = {"task": "sentiment", "folds": SIZE["folds"], **text}
        numbers = sound["model"]["features"]
        candidates |= {
            "audio": sound,
            "audio + the text's sentiment": sound
            | {"model": sound["model"] | {"features": [*numbers, "stacked"], "stacked": stacked}},
            "text + audio": sound | {"model": sound["model"] | {"kind": "multimodal", "context": "dialogue"}},
        }
    else:
        candidates |= {f"untuned {key}": changes for key, changes in TEXT_MODELS.items()}
    baselines = [
        "majority",
        "bag of words",
        *(["acoustic"] if name in with_audio and base.model.audio.mel == "mel" else []),
    ]
    study = {"candidates": candidates, "baselines": baselines, "always_report": list(candidates)}
    study |= {"seeds": SIZE["seeds"], "test": OPEN_TEST}
    closing[name] = u.run_study(
        [u.Recipe.parse(base.to_dict() | {"study": study})], out=RUNS / name / "closing", accept_grade=ACCEPT_GRADE
    )

for name, report in closing.items():
    for section in u.sections(report):
        split, rows = ("test", section.test) if section.test else ("dev", section.dev)
        display(Markdown(f"### {corpora[name].name}, {split}"), u.score_frame(rows, section.metric))
        display(u.scores_figure(rows, section.metric))
        if section.selected_row.confusion:
            display(u.confusion_figure(section.selected_row))
        display(u.precision_recall_figure(section.label_curves_on(split)))
        display(u.comparison_frame([x for x in section.comparisons if x.split == split]))
    display(*[u.reliability_figure(x.reliability) for x in report.analyses if x.split == split])

# %% [es]
# ## 15. Conclusiones
#
# Ninguna está escrita a mano: son las frases que salen de los números de esta ejecución. «Mejor» solo se dice
# donde lo dicen el intervalo de la diferencia y el valor p corregido.

# %% [en]
# ## 15. Conclusions
#
# None of them is written by hand: they are the sentences that come from the numbers of this run. "Better" is
# said only where the interval of the difference and the corrected p-value say so.

# %%
for name, report in closing.items():
    display(Markdown(f"### {corpora[name].name}"), Markdown("\n".join(f"- {x}" for x in u.conclusions(report))))
    opened = [(x.number, x.when, x.corpus, x.reason) for x in report.openings]
    if opened:
        display(pd.DataFrame(opened, columns=["opening", "when", "corpus", "reason"]))
    display(Markdown(f"`{RUNS / name / 'closing' / 'report.html'}`"))
