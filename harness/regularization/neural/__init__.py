"""The neural regularizer: predictive models of visual cortex denoise its responses, and these say what is similar.

Source: Li et al. 2019; Sinz et al. 2018 and Walker et al. 2019 for the predictive model.
"""
