# ruff: noqa: D100, E402
# The source of the notebooks: edit it here, then run `python tools/notebooks.py`, which describes the format.

# %% [es]
# # Reconocimiento de emociones en texto y audio: el estudio completo
#
# Este cuaderno hace el estudio de principio a fin con las funciones públicas de `sentir`: lee MELD (una emoción
# por enunciado) y CMU-MOSEI (multietiqueta), limpia los textos, compara modelos de texto, optimiza el mejor, usa
# sus probabilidades *out-of-fold* en los modelos de audio y, al final, compara texto, audio y ambos.
#
# Todo se selecciona en *dev*. La partición de *test* está bloqueada: solo el estudio final evalúa en ella, una
# vez, y un registro cuenta las evaluaciones. Los números entre corchetes son intervalos de confianza del 95 % con
# los diálogos como unidad.

# %% [en]
# # Emotion recognition from text and audio: the complete study
#
# This notebook runs the study from beginning to end with the public functions of `sentir`: it reads MELD (one
# emotion per utterance) and CMU-MOSEI (multi-label), cleans the texts, compares text models, tunes the best,
# uses its *out-of-fold* probabilities in the audio models, and finally compares text, audio and both.
#
# Everything is selected on *dev*. The *test* split is locked: only the final study evaluates on it, once, and a
# ledger counts the evaluations. Numbers in brackets are 95 % confidence intervals with dialogues as the unit.

# %% [es]
# ## 0. Instalación
#
# La primera celda instala `sentir` si falta, sin cambiar la versión de PyTorch, y no hace nada si ya está. En
# Kaggle basta con adjuntar el código de Sentir como *dataset*, con esta carpeta incluida.

# %% [en]
# ## 0. Set-up
#
# The first cell installs `sentir` if it is missing, without changing the version of PyTorch, and does nothing
# otherwise. On Kaggle attach Sentir's code as a dataset, including this folder.

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

local_paths = [folder / "notebooks/utils.py" for folder in (Path.cwd(), *Path.cwd().parents)]
attached = [Path("/kaggle/input").glob(f"{'*/' * depth}notebooks/utils.py") for depth in range(1, 5)]
repository_paths = [path.parents[1] for paths in (local_paths, *attached) for path in paths if path.is_file()]
if not repository_paths:
    raise FileNotFoundError("Sentir's code was not found: run this in its folder, or attach it on Kaggle.")
HOME = repository_paths[0]

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read by torch: other programs slow training less
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

if importlib.util.find_spec("sentir") is None:
    pinned = ("torch", "torchvision", "torchaudio", "numpy")
    pins = [f"{name}=={metadata.version(name)}" for name in pinned if importlib.util.find_spec(name)]
    constraints = Path(tempfile.mkdtemp()) / "constraints.txt"
    constraints.write_text("\n".join(pins))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--constraint", str(constraints)]
    subprocess.run([*command, f"{HOME}[offline,explain,export,timeline]"], check=True)
    importlib.invalidate_caches()

# %% [es]
# **El único ajuste.** `demo` usa los dos corpus sintéticos con voz que vienen incluidos: sirven para probar que
# todo funciona, y sus resultados no dicen nada del habla real. `quick` es un estudio corto y `full` el completo,
# con los corpus reales, que se buscan en las subcarpetas de `/kaggle/input` o de la carpeta indicada en
# `SENTIR_DATA`; si falta uno, lo sustituye el sintético. Si hay GPU, se usa.

# %% [en]
# **The only setting.** `demo` uses the two built-in synthetic corpora with speech: they show that everything
# works, and their results say nothing about real speech. `quick` is a short study and `full` the complete one, on
# the real corpora, which are searched in the subfolders of `/kaggle/input` or of the folder given in
# `SENTIR_DATA`; a missing one is replaced by the synthetic one. A GPU is used if there is one.

# %%
MODE = os.environ.get("SENTIR_NOTEBOOK", "demo")  # demo, quick, full (and smoke, for tests)
ACCEPT_GRADE = MODE == "smoke"  # True: use a corpus even if its audit grade is D or E
OPEN_TEST = os.environ.get("SENTIR_NOTEBOOK_TEST", "open") == "open"  # False: stop at dev
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
warnings.filterwarnings("ignore", message="IProgress")  # a missing progress bar
logging.getLogger("transformers").setLevel(logging.ERROR)

# %%
# %matplotlib inline
sys.path.insert(0, str(HOME / "notebooks"))

import numpy as np
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
# Cada corpus tiene un lector que reconoce la estructura de sus carpetas. Las etiquetas de *test* no son
# accesibles: ninguna tabla de este cuaderno las muestra.

# %% [en]
# ## 1. Reading the corpora
#
# Each corpus has a reader that recognizes the layout of its folders. The labels of *test* are sealed: no table of
# this notebook shows them.

# %%
demo = {name: u.DataSettings(reader=f"demo-{name}", audio=True) for name in ("meld", "mosei")}
sources = demo if MODE == "demo" else demo | u.find_corpora(Path(os.environ.get("SENTIR_DATA", "/kaggle/input")))
corpora = {name: u.load_corpus(data) for name, data in sources.items()}
with_audio = [name for name, corpus in corpora.items() if any(x.clip for x in corpus)]

for name, corpus in corpora.items():
    layouts = [Markdown(x.message) for x in corpus.issues if x.kind == "layout_recognized"]
    display(Markdown(f"### {corpus.name}"), *layouts)
    display(u.to_frame(corpus).groupby("split", sort=False)[["id", "dialogue", "speaker"]].nunique())
    display(u.to_frame(corpus)[["id", "speaker", "text", "emotion", "sentiment"]].head(4))
    if name not in with_audio:
        display(Markdown(NO_AUDIO.format(name=corpus.name)))

# %% [es]
# La auditoría decodifica cada clip una vez, cuenta, y busca defectos y fugas entre particiones. No cambia nada.

# %% [en]
# The audit decodes each clip once, counts, and checks for defects and for leakage between splits. It changes
# nothing.

# %%
for name, corpus in corpora.items():
    audit = u.audit(corpus, u.scan_audio(corpus) if name in with_audio else None)
    display(Markdown(f"### {corpus.name}: {audit.grade}"))
    display(Markdown("\n".join(f"- {finding.message}" for finding in audit.findings)))

# %% [es]
# ## 2. Limpieza
#
# La limpieza es una lista de pasos con nombre. Abajo, los de la tesis en todos los textos: cuántos cambia cada
# paso, cuántos deja vacíos, y un texto después de cada paso. Por defecto los textos solo se reparan
# (codificación, anotaciones de ruidos, espacios), y ningún paso elimina enunciados.

# %% [en]
# ## 2. Cleaning
#
# Cleaning is a list of named steps. Below, those of the thesis on all texts: how many texts each step changes,
# how many it empties, and one text after each step. By default texts are only repaired (encoding, noise
# annotations, white space), and no step removes utterances.

# %%
for corpus in corpora.values():
    cleaned = u.trace_cleaning(corpus, ["thesis"], examples=1)
    display(Markdown(f"### {corpus.name}"), u.cleaning_to_frame(cleaned))

# %% [es]
# ## 3. Normalización de las etiquetas
#
# Cada corpus nombra las etiquetas a su manera; aquí tienen un solo nombre. En MOSEI una emoción está presente si
# su intensidad es mayor que 0, y el sentimiento tiene tres clases según su signo. Seis ceros son una anotación
# válida: ninguna emoción.

# %% [en]
# ## 3. Label normalization
#
# Each corpus names its labels differently; here they have one name. In MOSEI an emotion is present if its
# intensity is above 0, and sentiment has three classes by its sign. Six zeros are a valid annotation: no emotion.

# %%
raw_labels = ("Happy", "happiness", "sad", "Anger", "surprised", "FEAR")
display(pd.DataFrame({"emotion": {name: u.normalize_emotion(name) for name in raw_labels}}))
display(pd.DataFrame({"sentiment": {str(x): u.normalize_sentiment(x) for x in (-2.33, 0.0, 0.33, "Negative")}}))
for corpus in corpora.values():
    spaces = [(task, space.kind, ", ".join(space.names)) for task, space in corpus.label_spaces.items()]
    display(Markdown(f"### {corpus.name}"), pd.DataFrame(spaces, columns=["task", "kind", "names"]))

# %% [es]
# ## 4. Ablación de los pasos de limpieza
#
# La misma bolsa de palabras, entrenada con el texto original y con el texto limpiado hasta cada paso, en *dev*.
# Las diferencias son pareadas; en gris, las que no son significativas.

# %% [en]
# ## 4. Ablation of the cleaning steps
#
# The same bag of words, trained on the raw text and on the text cleaned up to each step, on *dev*. Differences
# are paired; those that are not significant are gray.

# %%
bases = {}
for name, data in sources.items():
    recipe = u.load_recipe(HOME / "recipes" / ("demo-" * data.reader.startswith("demo-") + f"{name}.toml"))
    audio = {"mel": "thesis" if data.reader == "final_specs" else "mel"} | SIZE["audio"]
    bases[name] = u.Recipe.parse(recipe.to_dict() | {"study": {}, "data": data.model_dump(mode="json")}).override(
        {
            "model": {"audio": audio},
            "train": {"epochs": SIZE["epochs"]},
            "evaluation": {"resamples": SIZE["resamples"], "permutations": SIZE["resamples"]},
        }
    )

for name, corpus in corpora.items():
    ablation = u.ablate_cleaning(bases[name], corpus, ["thesis"])
    display(Markdown(f"### {corpus.name}"), u.scores_to_frame(ablation.scores, ablation.metric, max_metrics=2))
    display(u.plot_differences(ablation.comparisons))

# %% [es]
# ## 5. Distribución de clases
#
# Proporción de enunciados de *train* y *dev* con cada etiqueta, y su duración.

# %% [en]
# ## 5. Class distribution
#
# Share of the utterances of *train* and *dev* with each label, and their duration.

# %%
for name, corpus in corpora.items():
    summary = u.summarize_corpus(corpus, mel_kind=bases[name].model.audio.mel)
    display(Markdown(f"### {corpus.name}"))
    display(u.plot_label_distribution(summary, "emotion"), u.plot_label_distribution(summary, "sentiment"))
    if summary.durations:
        display(u.plot_histogram(summary.durations))

# %% [es]
# ## 6. Características numéricas y su importancia
#
# Las características se calculan a partir de enunciados *sin etiquetas*: ninguna puede usar lo que hay que
# predecir. Su importancia es lo que baja en *dev* la puntuación de un modelo de texto que las usa cuando se
# permutan, por conjuntos y una a una.

# %% [en]
# ## 6. Numeric features and their importance
#
# Features are computed from utterances *without labels*: none can use what is to be predicted. Their permutation
# importance is the drop of the *dev* score of a text model that uses them, for sets of features and for each one.

# %%
for name, corpus in corpora.items():
    numeric = "thesis" if bases[name].model.audio.mel == "mel" and name in with_audio else "tabular"
    features = ["lexical", "dialogue", numeric]
    table = u.compute_features(features, corpus.train)
    display(Markdown(f"### {corpus.name}"))
    display(pd.DataFrame(table.values, columns=table.names).describe().T[["mean", "std", "min", "max"]].round(3))

    recipe = bases[name].override({"model": {"context": "dialogue", "features": features}})
    explanation = u.explain_model(u.fit_recognizer(recipe, corpus)[0])
    display(u.importance_figure(explanation.feature_sets, explanation.metric))
    display(u.importance_figure(explanation.columns[:12], explanation.metric))

# %% [es]
# ## 7. Espectrogramas
#
# Arriba, el espectrograma mel de Sentir (64 bandas, 100 tramas por segundo, decibelios respecto a una referencia
# fija, de modo que se conserva el nivel de la voz). Debajo, la imagen de 224 × 224 de la tesis: cuatro segundos
# y decibelios respecto al máximo del archivo.

# %% [en]
# ## 7. Spectrograms
#
# First Sentir's mel spectrogram (64 bands, 100 frames per second, decibels relative to a fixed reference, so that
# the level of the voice is preserved). Below it the thesis' image of 224 by 224: four seconds, and decibels
# relative to the maximum of the file.

# %%
for name in with_audio:
    display(Markdown(f"### {corpora[name].name}"))
    kinds = ["mel", "thesis"] if bases[name].model.audio.mel == "mel" else ["thesis"]
    for label in ("anger", "sadness"):
        clips = [x for x in corpora[name].by_label("emotion", "dev")[label] if x.clip][:9]
        usable = [x for x in u.attach_audio(clips, mel_kind=kinds[0]) if x.audio.mel is not None][:1]
        for x in [x for kind in kinds for x in u.attach_audio(usable, mel_kind=kind)]:
            display(u.plot_spectrogram(x.audio, f"{label}: {x.text}"))
        display(*[Audio(u.decode(x.clip).waveform, rate=u.SAMPLING_RATE) for x in usable if "mel" in kinds])

# %% [es]
# ## 8. Comparación de modelos de texto
#
# Un estudio por corpus, de sentimiento y de emoción, solo con *dev*. El codificador está congelado: cada texto se
# codifica una vez y solo se entrena la cabeza. En `full` se comparan también los modelos de la tesis.

# %% [en]
# ## 8. Comparison of text models
#
# A study for each corpus, of sentiment and of emotion, on *dev* only. The encoder is frozen: each text is encoded
# once, and only the head is trained. In `full` the thesis' models are compared, too.

# %%
TEXT_MODELS = {
    "minilm": {"model": {"context": "none"}},
    "minilm + dialogue": {"model": {"context": "dialogue"}},
    "minilm + dialogue + features": {"model": {"context": "dialogue", "features": ["dialogue", "lexical"]}},
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
    for section in u.task_sections(text_studies[name]):
        display(Markdown(f"### {corpora[name].name}, {section.task}"))
        display(u.scores_to_frame(section.dev_rows, section.metric))
        display(u.plot_scores(section.dev_rows, section.metric))
        display(u.plot_learning_curves(section.learning_curves, section.metric, selected=section.selected))
        display(Markdown("\n".join(f"- {comparison.sentence()}" for comparison in section.comparisons)))

# %% [es]
# ## 9. Optimización de hiperparámetros del mejor modelo de texto
#
# El modelo seleccionado en sentimiento, con otros hiperparámetros de la cabeza. La mejor puntuación de muchas
# en el mismo *dev* es optimista (sesgo de selección); las frases de abajo dan los números.

# %% [en]
# ## 9. Tuning the best text model
#
# The model selected for sentiment, with other hyperparameters of its head. The best score of many on the same
# *dev* is optimistic (selection bias); the sentences below give the numbers.

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
    best = TEXT_MODELS[text_studies[name].best_per_family[corpus.name, "sentiment"][0]]
    tune = {
        "data": {"task": "sentiment"},
        "tune": {"trials": SIZE["trials"], "pruner": "none", "space": TEXT_SPACE},
    }
    tuned = u.tune(base.override(best).override(tune), out=RUNS / name / "tune-text")
    tuned_text[name] = tuned.best_recipe
    display(Markdown(f"### {corpus.name}"), Markdown("\n".join(f"- {x}" for x in u.tuning_sentences(tuned))))
    display(tuned.to_frame().sort_values("score", ascending=False).head(5), u.plot_optimization_history(tuned))
    if tuned.param_importances:
        display(u.plot_param_importances(tuned.param_importances))

# %% [es]
# ## 10. Evaluación del modelo de texto
#
# En *dev*: la puntuación, la matriz de confusión, la calibración, la puntuación por segmentos, los errores con
# mayor confianza, y las palabras más importantes en el primero de ellos.

# %% [en]
# ## 10. Evaluation of the text model
#
# On *dev*: the score, the confusion matrix, the calibration, scores by slice, the most confident errors, and the
# most important words in the first of them.

# %%
for name, recipe in tuned_text.items():
    folder = RUNS / name / "models" / "text"
    model, _scores = u.train(recipe, out=folder)
    scores, analysis = u.analyze(folder)
    metric = next(iter(scores.metrics))
    display(Markdown(f"### {corpora[name].name}"), u.scores_to_frame([scores], metric))
    display(u.plot_confusion_matrix(scores))
    display(u.plot_reliability_diagram(analysis.reliability), u.slices_to_frame(analysis.slices))
    display(u.errors_to_frame(analysis.hardest_examples[:5]))
    for error in analysis.hardest_examples[:1]:
        explanation = u.explain(model, text=error.text)
        passages = explanation.text_attribution.passages
        words = [(word.text, round(word.value, 2)) for passage in passages for word in passage.words]
        display(Markdown(f"**{explanation.label}**"))
        display(pd.DataFrame(words, columns=["word", "value"]).set_index("word").T)

# %% [es]
# ## 11. Probabilidades *out-of-fold*
#
# Un modelo de audio puede usar las predicciones del modelo de texto (*stacking*). Pero el modelo de texto se
# entrenó con *train*, así que allí sus probabilidades son mucho mejores que con datos nuevos. Por eso cada
# diálogo de *train* lo predice un modelo que no se entrenó con él. La diferencia entre las dos primeras filas de
# la tabla es el sesgo que así se evita.

# %% [en]
# ## 11. Out-of-fold probabilities
#
# An audio model can use the predictions of the text model (stacking). But the text model was trained on *train*,
# so its probabilities there are much better than on new data. So each dialogue of *train* is predicted by a model
# that was not trained on it. The difference between the first two rows of the table is the bias that this avoids.

# %%
for name, recipe in tuned_text.items():
    corpus, space = corpora[name], corpora[name].label_space("sentiment")
    crossed = u.cross_predict(recipe, corpus, SIZE["folds"])
    in_sample = crossed.full_model.predict_utterances(corpus.train)
    rows = []
    for title, split, predicted in (
        ("train, in sample", corpus.train, in_sample),
        ("train, out of fold", corpus.train, crossed.predictions),
        ("dev", corpus.dev, crossed.predictions),
    ):
        truth = space.encode([x.labels["sentiment"] for x in split])
        probabilities = predicted.select([x.id for x in split]).probabilities
        rows.append({"": title} | u.compute_scores(space, truth, probabilities))
    folds = pd.Series({x.dialogue: crossed.folds[x.id] for x in corpus.train}, name="dialogues").value_counts()
    display(Markdown(f"### {corpus.name}"), pd.DataFrame(rows).set_index("").round(3))
    display(folds.sort_index().rename_axis("fold").to_frame())

# %% [es]
# ## 12. Comparación de modelos de audio
#
# Usan el espectrograma mel, solo o con funcionales acústicos. En *dev*, de emoción.

# %% [en]
# ## 12. Comparison of audio models
#
# They use the mel spectrogram, alone or with acoustic functionals. On *dev*, of emotion.

# %%
AUDIO_TRAINING = {
    "epochs": SIZE["audio_epochs"],
    "batch_size": 32,
    "lr": 1e-3 if SIZE["audio"]["pretrained"] else 3e-3,
    "augment": {"masks": 1, "gain_db": 3.0, "shift_seconds": 0.2},
}
AUDIO_MODELS = {
    "spectrogram": {"model": {"kind": "emotion_model"}, "train": AUDIO_TRAINING},
    "spectrogram, class weights": {
        "model": {"kind": "emotion_model"},
        "train": AUDIO_TRAINING | {"class_weights": "sqrt"},
    },
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
    only_mel = bases[name].model.audio.mel == "thesis"  # spectrogram files without audio
    skipped = "functionals" if only_mel else "none"
    candidates = {key: changes for key, changes in AUDIO_MODELS.items() if skipped not in key}
    baselines = ["majority"] if only_mel else ["majority", "acoustic"]
    study = {"candidates": candidates, "baselines": baselines, "seeds": SIZE["seeds"], "test": False}
    audio_studies[name] = u.run_study(
        [u.Recipe.parse(bases[name].to_dict() | {"study": study})],
        out=RUNS / name / "audio",
        accept_grade=ACCEPT_GRADE,
    )
    for section in u.task_sections(audio_studies[name]):
        display(Markdown(f"### {corpora[name].name}"), u.scores_to_frame(section.dev_rows, section.metric))
        display(u.plot_scores(section.dev_rows, section.metric))
        display(u.plot_learning_curves(section.learning_curves, section.metric, selected=section.selected))
        display(Markdown("\n".join(f"- {comparison.sentence()}" for comparison in section.comparisons)))

# %% [es]
# ## 13. Optimización y evaluación del mejor modelo de audio
#
# Como con el texto. El mapa de abajo (Grad-CAM) muestra qué instantes y frecuencias apoyan la emoción predicha.

# %% [en]
# ## 13. Tuning and evaluation of the best audio model
#
# As with text. The map below (Grad-CAM) shows which times and frequencies support the predicted emotion.

# %%
AUDIO_SPACE = {"train.lr": {"low": 1e-3, "high": 1e-2, "log": True}, "model.dropout": {"low": 0.2, "high": 0.6}}
tuned_audio = {}
for name in with_audio:
    corpus = corpora[name]
    best = AUDIO_MODELS[audio_studies[name].best_per_family[corpus.name, "emotion"][0]]
    tune = {"tune": {"trials": SIZE["audio_trials"], "pruner": "none", "space": AUDIO_SPACE}}
    tuned = u.tune(bases[name].override(best).override(tune), out=RUNS / name / "tune-audio")
    tuned_audio[name] = tuned.best_recipe
    display(Markdown(f"### {corpus.name}"), Markdown("\n".join(f"- {x}" for x in u.tuning_sentences(tuned))))
    display(u.plot_optimization_history(tuned))

    folder = RUNS / name / "models" / "audio"
    model, _scores = u.train(tuned.best_recipe, out=folder)
    scores, analysis = u.analyze(folder)
    display(u.scores_to_frame([scores], tuned.metric), u.plot_reliability_diagram(analysis.reliability))
    dev = u.attach_audio(corpus.dev, mel_kind=tuned.best_recipe.model.audio.mel)
    for x in [x for x in dev if x.audio.mel is not None][:1]:
        explanation = u.explain(model, x)
        display(Markdown(f"**{explanation.label}**: {x.text}"))
        display(u.audio_attribution_figure(explanation.audio_attribution, "grad_cam"))

# %% [es]
# ## 14. El estudio final: texto, audio y ambos
#
# Los modelos optimizados, de emoción. ¿Qué aportan al audio las predicciones del modelo de texto? Lo muestra la
# comparación de *audio* con *audio + the text's sentiment*: el mismo modelo sin ellas y con ellas, siempre
# *out-of-fold*. Aquí se evalúa en *test*, una sola vez por corpus.

# %% [en]
# ## 14. The final study: text, audio and both
#
# The tuned models, of emotion. What do the text model's predictions add to the audio model? This is shown by the
# comparison of *audio* with *audio + the text's sentiment*: the same model without and with them, always out of
# fold. Here *test* is evaluated, once for each corpus.

# %%
final_studies = {}
for name, base in bases.items():
    text = tuned_text[name].model_dump(mode="json", include={"model", "train"}, exclude_none=True)
    candidates = {"text": text}
    if name in with_audio:
        audio = tuned_audio[name].model_dump(mode="json", include={"model", "train"}, exclude_none=True)
        stacked = {"task": "sentiment", "folds": SIZE["folds"], **text}
        features = [*audio["model"]["features"], "stacked"]
        candidates |= {
            "audio": audio,
            "audio + the text's sentiment": audio
            | {"model": audio["model"] | {"features": features, "stacked": stacked}},
            "text + audio": audio | {"model": audio["model"] | {"kind": "multimodal", "context": "dialogue"}},
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
    final_studies[name] = u.run_study(
        [u.Recipe.parse(base.to_dict() | {"study": study})], out=RUNS / name / "final", accept_grade=ACCEPT_GRADE
    )

for name, report in final_studies.items():
    for section in u.task_sections(report):
        split, rows = ("test", section.test_rows) if section.test_rows else ("dev", section.dev_rows)
        display(Markdown(f"### {corpora[name].name}, {split}"), u.scores_to_frame(rows, section.metric))
        display(u.plot_scores(rows, section.metric))
        if section.selected_row.confusion_matrix:
            display(u.plot_confusion_matrix(section.selected_row))
        display(u.plot_precision_recall_curves(section.label_curves_on(split)))
        display(u.comparisons_to_frame([x for x in section.comparisons if x.split == split]))
    display(*[u.plot_reliability_diagram(x.reliability) for x in report.analyses if x.split == split])

# %% [es]
# ## 15. Del estudio al uso: exportación, línea de tiempo y un hablante registrado
#
# El modelo de audio se entrena otra vez de modo que pueda normalizar las características por hablante, y se
# exporta a ONNX: así predice sin PyTorch, y la exportación solo se escribe si predice lo mismo. Con él se recorre
# la grabación de un diálogo de *dev* turno a turno: la actividad de voz dice dónde hay turnos. Por último se
# registran otros clips de un hablante, sin etiquetas, y se predicen los demás sin ellos y con ellos. Cuánto aporta
# eso hay que medirlo con muchos hablantes; un estudio lo hace en una tabla aparte.

# %% [en]
# ## 15. From the study to its use: export, a timeline, and a known speaker
#
# The audio model is trained once more, so that it can normalize features by speaker, and exported to ONNX: it
# then predicts without PyTorch, and the export is only written if it predicts the same. The exported model goes
# through the recording of a *dev* dialogue turn by turn: voice activity tells where the turns are. Finally it is
# given other clips of one speaker, without labels (enrollment), and the rest is predicted without and with them.
# What this brings must be measured on many speakers; a study does so in a table of its own.

# %%
for name in with_audio:
    corpus, folder = corpora[name], RUNS / name / "models" / "by-speaker"
    speakers = pd.Series([x.speaker for x in corpus.dev if x.clip and x.speaker], dtype=object).value_counts()
    if bases[name].model.audio.mel != "mel" or not any(x.speaker for x in corpus.train) or speakers.empty:
        continue  # there are no clips, or nobody says whose they are
    features = {"features": ["functionals"], "speaker_normalization": True}
    u.train(tuned_audio[name].override({"model": features}), out=folder)
    exported, parity = u.export_model(folder, folder.with_name("by-speaker-onnx"))
    display(Markdown(f"### {corpus.name}"), pd.DataFrame([vars(graph) for graph in parity.graphs]))

    dialogue = next(x.dialogue for x in corpus.dev if x.clip and x.speaker == speakers.index[0])
    said = [x for x in corpus.dev if x.dialogue == dialogue and x.clip][:10]
    usable = [x for x in u.attach_audio(said) if x.audio.mel is not None]
    recording = np.concatenate([u.decode(x.clip).waveform for x in usable])
    timeline = u.timeline(exported, recording, sampling_rate=u.SAMPLING_RATE)
    timeline.save(folder.with_name("timeline.srt"))
    display(timeline.to_frame().reset_index()[["start", "end", "label", "confidence"]], timeline.plot())

    clips = [x for x in corpus.dev if x.clip and x.speaker == speakers.index[0]]
    known, others = clips[: len(clips) // 2], clips[len(clips) // 2 :][:5]
    answers = {
        "without": exported.predict(others),
        f"with {len(known)} clips": exported.predict(others, enroll=known),
    }
    display(pd.DataFrame({key: [f"{x.label} {x.confidence:.2f}" for x in row] for key, row in answers.items()}))

# %% [es]
# ## 16. Conclusiones
#
# Ninguna está escrita a mano: las frases se generan a partir de los números de esta ejecución. «Mejor» significa
# que lo confirman el intervalo de la diferencia y el valor p corregido.

# %% [en]
# ## 16. Conclusions
#
# None of them is written by hand: the sentences are generated from the numbers of this run. "Better" means that
# the interval of the difference and the corrected p-value confirm it.

# %%
for name, report in final_studies.items():
    conclusions = "\n".join(f"- {x}" for x in u.summarize_study(report))
    display(Markdown(f"### {corpora[name].name}"), Markdown(conclusions))
    openings = [(x.number, x.when, x.corpus, x.reason) for x in report.openings]
    if openings:
        display(pd.DataFrame(openings, columns=["evaluation on test", "when", "corpus", "reason"]))
    display(Markdown(f"`{RUNS / name / 'final' / 'report.html'}`"))
